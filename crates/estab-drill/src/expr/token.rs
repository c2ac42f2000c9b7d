//! The words of an assertion block.

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A whole number.
    Int(i64),
    /// A fraction.
    Float(f64),
    /// A text in quotes.
    Text(String),
    /// A name or keyword.
    Name(String),
    /// A sign.
    Sign(&'static str),
    /// The end of a statement.
    End,
}

/// Signs, longer ones before their beginnings.
const SIGNS: [&str; 25] = [
    "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "+", "-", "*", "/", "%", "&", "|", "^", "<",
    ">", "=", "(", ")", "[", "]", ",", "~",
];

/// The words of `code`, each with its line from 0.
pub(super) fn tokens(code: &str) -> Result<Vec<(u32, Token)>, (u32, String)> {
    let mut tokens = Vec::new();
    let mut line = 0;
    let mut depth = 0_i32;
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let len = match c {
            '\n' | ';' => {
                if depth == 0 {
                    tokens.push((line, Token::End));
                }
                line += u32::from(c == '\n');
                1
            }
            '\\' if rest.starts_with("\\\n") => {
                line += 1;
                2
            }
            '#' => rest.find('\n').unwrap_or(rest.len()),
            c if c.is_whitespace() => c.len_utf8(),
            '"' | '\'' => {
                let Some(end) = rest[1..].find(c) else {
                    return Err((line, "a text that does not end".into()));
                };
                tokens.push((line, Token::Text(rest[1..=end].into())));
                end + 2
            }
            c if c.is_ascii_digit() => {
                let len = length(rest, |c| c.is_ascii_alphanumeric() || c == '.');
                tokens.push((line, number(&rest[..len]).map_err(|e| (line, e))?));
                len
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let len = length(rest, |c| c.is_ascii_alphanumeric() || c == '_');
                tokens.push((line, Token::Name(rest[..len].into())));
                len
            }
            _ => {
                let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) else {
                    return Err((line, format!("'{c}' is not understood")));
                };
                depth += i32::from(matches!(*sign, "(" | "["));
                depth -= i32::from(matches!(*sign, ")" | "]"));
                tokens.push((line, Token::Sign(sign)));
                sign.len()
            }
        };
        rest = &rest[len..];
    }
    tokens.push((line, Token::End));
    Ok(tokens)
}

fn length(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn number(text: &str) -> Result<Token, String> {
    let whole = match text.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    };
    match (whole, text.parse()) {
        (Some(whole), _) => Ok(Token::Int(whole)),
        (None, Ok(fraction)) => Ok(Token::Float(fraction)),
        _ => Err(format!("'{text}' is no number")),
    }
}
