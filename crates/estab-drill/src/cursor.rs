//! The lexer: a position in the text of a script that knows its line.
//!
//! The language has no tokens that hold everywhere: `.5` is half a second, or an ACK with ACE
//! count 5. So the parser says what it wants next, and the cursor finds it.

use std::fmt;

/// A year: a time beyond it is a mistake.
const MAX_SECONDS: i64 = 31_536_000;

/// What is wrong with a script, and in which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Line of the script, from 1.
    pub line: u32,
    /// What was expected or not understood.
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ParseError {}

/// A position in a script.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    line: u32,
}

impl<'a> Cursor<'a> {
    /// The start of `text`, whose first line has the number `line`.
    pub(crate) fn new(text: &'a str, line: u32) -> Self {
        Self { text, at: 0, line }
    }

    /// The present line, from 1.
    pub(crate) fn line(&self) -> u32 {
        self.line
    }

    /// An error in the present line.
    pub(crate) fn error<T>(&self, message: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError {
            line: self.line,
            message: message.into(),
        })
    }

    /// Everything that is left.
    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character.
    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Whether nothing but blanks and comments is left.
    pub(crate) fn is_at_end(&mut self) -> Result<bool, ParseError> {
        self.skip_blanks()?;
        Ok(self.rest().is_empty())
    }

    fn advance(&mut self, bytes: usize) -> &'a str {
        let taken = &self.text[self.at..self.at + bytes];
        self.line += taken.matches('\n').count() as u32;
        self.at += bytes;
        taken
    }

    /// Skips blanks, line ends and comments: `// …`, `/* … */`, and lines of `#`.
    pub(crate) fn skip_blanks(&mut self) -> Result<(), ParseError> {
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_start().len();
            self.advance(blanks);
            let rest = self.rest();
            if rest.starts_with("//") || rest.starts_with('#') {
                let line = rest.find('\n').unwrap_or(rest.len());
                self.advance(line);
            } else if rest.starts_with("/*") {
                let Some(end) = rest.find("*/") else {
                    return self.error("a comment that does not end");
                };
                self.advance(end + 2);
            } else {
                return Ok(());
            }
        }
    }

    /// Takes `literal` if it comes next, after blanks.
    pub(crate) fn take(&mut self, literal: &str) -> Result<bool, ParseError> {
        self.skip_blanks()?;
        let found = self.rest().starts_with(literal);
        if found {
            self.advance(literal.len());
        }
        Ok(found)
    }

    /// Takes `literal`, which must come next.
    pub(crate) fn expect(&mut self, literal: &str) -> Result<(), ParseError> {
        if self.take(literal)? {
            return Ok(());
        }
        self.error(format!("expected '{literal}', found {}", self.found()))
    }

    /// Takes the word `word` if it comes next and ends there.
    pub(crate) fn take_word(&mut self, word: &str) -> Result<bool, ParseError> {
        self.skip_blanks()?;
        let found = self
            .rest()
            .strip_prefix(word)
            .is_some_and(|after| !after.starts_with(is_word));
        if found {
            self.advance(word.len());
        }
        Ok(found)
    }

    /// Takes characters as long as `belongs` says so, without skipping blanks first.
    pub(crate) fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let len = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.advance(len)
    }

    /// Takes everything up to `end`, and `end` too.
    pub(crate) fn take_until(&mut self, end: &str) -> Result<&'a str, ParseError> {
        match self.rest().find(end) {
            Some(len) => {
                let taken = self.advance(len);
                self.advance(end.len());
                Ok(taken)
            }
            None => self.error(format!("expected '{end}' before the end of the script")),
        }
    }

    /// Takes a word of letters, digits and underscores.
    pub(crate) fn word(&mut self) -> Result<&'a str, ParseError> {
        self.skip_blanks()?;
        let word = self.take_while(is_word);
        if word.is_empty() {
            return self.error(format!("expected a word, found {}", self.found()));
        }
        Ok(word)
    }

    /// Takes a decimal or, after `0x`, hexadecimal number with an optional sign.
    pub(crate) fn integer(&mut self) -> Result<i64, ParseError> {
        self.skip_blanks()?;
        let negative = self.take("-")?;
        let word = self.take_while(|c| c.is_ascii_alphanumeric());
        let value = match word.strip_prefix("0x") {
            Some(hex) => i64::from_str_radix(hex, 16).ok(),
            None => word.parse().ok(),
        };
        match value {
            Some(value) => Ok(if negative { -value } else { value }),
            None => self.error(format!("expected a number, found '{word}{}'", self.found())),
        }
    }

    /// Takes a number that fits `T`.
    pub(crate) fn number<T: TryFrom<i64>>(&mut self) -> Result<T, ParseError> {
        let value = self.integer()?;
        match T::try_from(value) {
            Ok(value) => Ok(value),
            Err(_) => self.error(format!("{value} is out of range here")),
        }
    }

    /// Takes a time in seconds; returns microseconds.
    pub(crate) fn micros(&mut self) -> Result<i64, ParseError> {
        self.skip_blanks()?;
        // "1...2" is a range, not a fraction.
        let whole = self.take_while(|c| c.is_ascii_digit());
        let mut fraction = "";
        if self.rest().starts_with('.') && !self.rest().starts_with("..") {
            self.advance(1);
            fraction = self.take_while(|c| c.is_ascii_digit());
        }
        if whole.is_empty() && fraction.is_empty() {
            return self.error(format!("expected a time, found {}", self.found()));
        }
        let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
        let micros = whole
            .parse::<i64>()
            .or(if whole.is_empty() { Ok(0) } else { Err(()) })
            .ok()
            .filter(|secs| *secs <= MAX_SECONDS)
            .map(|secs| secs * 1_000_000)
            .zip(digits.parse::<i64>().ok());
        match micros {
            Some((secs, fraction)) => Ok(secs + fraction),
            None => self.error(format!("'{whole}.{fraction}' is no time")),
        }
    }

    /// What comes next, for a message.
    pub(crate) fn found(&self) -> String {
        let line = self.rest().lines().next().unwrap_or("");
        if self.rest().is_empty() {
            return "the end of the script".into();
        }
        format!("'{}'", line.chars().take(24).collect::<String>())
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests;
