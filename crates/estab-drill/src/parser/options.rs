//! TCP options: `<mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>`.

use crate::ast::{EcnCounter, TcpOption};
use crate::cursor::{Cursor, ParseError};

/// The options after `<`; `None` for `...`.
pub(super) fn options(cursor: &mut Cursor<'_>) -> Result<Option<Vec<TcpOption>>, ParseError> {
    if cursor.take("...")? {
        cursor.expect(">")?;
        return Ok(None);
    }
    let mut options = Vec::new();
    if cursor.take(">")? {
        return Ok(Some(options));
    }
    loop {
        options.push(option(cursor)?);
        if !cursor.take(",")? {
            cursor.expect(">")?;
            return Ok(Some(options));
        }
    }
}

fn option(cursor: &mut Cursor<'_>) -> Result<TcpOption, ParseError> {
    Ok(match cursor.word()? {
        "eol" => TcpOption::Eol,
        "nop" => TcpOption::Nop,
        "mss" => TcpOption::Mss(cursor.number()?),
        "wscale" => TcpOption::Wscale(cursor.number()?),
        "sackOK" => TcpOption::SackOk,
        "sack" => TcpOption::Sack(blocks(cursor)?),
        "TS" => timestamps(cursor)?,
        "FO" => TcpOption::FastOpen(hex(cursor)?),
        "FOEXP" => TcpOption::FastOpenExp(hex(cursor)?),
        "md5" => {
            let digest = hex(cursor)?;
            TcpOption::Md5((!digest.is_empty()).then_some(digest))
        }
        "ECN" => TcpOption::AccEcn(counters(cursor)?),
        other => return cursor.error(format!("TCP option '{other}' is not supported")),
    })
}

fn blocks(cursor: &mut Cursor<'_>) -> Result<Vec<(u32, u32)>, ParseError> {
    let mut blocks = Vec::new();
    loop {
        let left = cursor.number()?;
        cursor.expect(":")?;
        blocks.push((left, cursor.number()?));
        cursor.skip_blanks()?;
        if !cursor.peek().is_some_and(|c| c.is_ascii_digit()) {
            return Ok(blocks);
        }
    }
}

fn timestamps(cursor: &mut Cursor<'_>) -> Result<TcpOption, ParseError> {
    if !cursor.take_word("val")? {
        return cursor.error("expected 'val' after 'TS'");
    }
    let val = match cursor.take("...")? {
        true => None,
        false => Some(cursor.number()?),
    };
    if !cursor.take_word("ecr")? {
        return cursor.error("expected 'ecr' after the value of 'TS'");
    }
    Ok(TcpOption::Timestamps(val, cursor.number()?))
}

/// Hexadecimal digits, or none.
fn hex(cursor: &mut Cursor<'_>) -> Result<Vec<u8>, ParseError> {
    cursor.skip_blanks()?;
    if let Some(word) = unknown_word(cursor) {
        return cursor.error(format!(
            "'{word}' is not hexadecimal (a cookie of TCP fast open is defined by -D {word}=HEX)"
        ));
    }
    let digits = cursor.take_while(|c| c.is_ascii_hexdigit());
    if !digits.len().is_multiple_of(2) {
        return cursor.error("an odd number of hexadecimal digits");
    }
    let pairs = (0..digits.len()).step_by(2);
    Ok(pairs
        .filter_map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok())
        .collect())
}

/// A word that comes next and is no number.
fn unknown_word(cursor: &Cursor<'_>) -> Option<String> {
    let word = cursor.clone().word().ok()?;
    let is_hex = word.chars().all(|c| c.is_ascii_hexdigit());
    (!is_hex).then(|| word.to_owned())
}

/// The counters of AccECN's option, in the order written: it tells which of its two kinds it is.
fn counters(cursor: &mut Cursor<'_>) -> Result<Vec<(EcnCounter, u32)>, ParseError> {
    let mut counters = Vec::new();
    loop {
        let counter = if cursor.take_word("e0b")? {
            EcnCounter::E0
        } else if cursor.take_word("e1b")? {
            EcnCounter::E1
        } else if cursor.take_word("ceb")? {
            EcnCounter::Ce
        } else {
            return Ok(counters);
        };
        counters.push((counter, cursor.number()?));
    }
}
