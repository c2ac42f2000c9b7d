//! From the text of a script to its events.

mod call;
mod options;
mod packet;

use crate::ast::{Action, Event, Script, Time};
use crate::cursor::{Cursor, ParseError};

/// Reads a script.
///
/// ```
/// let script = estab_drill::parse("+0 < S 0:0(0) win 1000 <mss 1000>\n").unwrap();
/// assert_eq!(script.events.len(), 1);
/// assert_eq!(estab_drill::parse("+0 ? S").unwrap_err().line, 1);
/// ```
///
/// # Errors
///
/// What could not be understood, and in which line.
pub fn parse(text: &str) -> Result<Script, ParseError> {
    let mut cursor = Cursor::new(text, 1);
    let mut script = Script::default();
    while cursor.take("--")? {
        script.options.push(head_option(&mut cursor)?);
    }
    while !cursor.is_at_end()? {
        script.events.push(event(&mut cursor)?);
    }
    Ok(script)
}

/// `name=value` or `name`, after the dashes.
fn head_option(cursor: &mut Cursor<'_>) -> Result<(String, String), ParseError> {
    let name = cursor.word()?.to_owned();
    let value = match cursor.rest().starts_with('=') {
        true => {
            cursor.expect("=")?;
            cursor.take_while(|c| !c.is_whitespace()).to_owned()
        }
        false => String::new(),
    };
    Ok((name, value))
}

fn event(cursor: &mut Cursor<'_>) -> Result<Event, ParseError> {
    cursor.skip_blanks()?;
    let line = cursor.line();
    let (time, end) = time(cursor)?;
    let action = action(cursor, end)?;
    Ok(Event { line, time, action })
}

/// When the event happens and, for a call that blocks, when that ends.
fn time(cursor: &mut Cursor<'_>) -> Result<(Time, Option<i64>), ParseError> {
    if matches!(cursor.peek(), Some('`' | '%')) || cursor.take("*")? {
        return Ok((Time::Any, None));
    }
    let relative = cursor.take("+")?;
    if relative && cursor.take("*")? {
        return Ok((Time::Any, None));
    }
    let start = cursor.micros()?;
    if cursor.rest().starts_with("...") {
        cursor.expect("...")?;
        let end = cursor.micros()?;
        let time = if relative { Time::After } else { Time::At };
        return Ok((time(start), Some(end)));
    }
    if cursor.take("~")? {
        let _ = cursor.take("+")?;
        let end = cursor.micros()?;
        return Ok(match relative {
            true => (Time::AfterBetween(start, end), None),
            false => (Time::AtBetween(start, end), None),
        });
    }
    let time = if relative { Time::After } else { Time::At };
    Ok((time(start), None))
}

fn action(cursor: &mut Cursor<'_>, end: Option<i64>) -> Result<Action, ParseError> {
    let action = if cursor.take("`")? {
        Action::Command(cursor.take_until("`")?.to_owned())
    } else if cursor.take("%{")? {
        Action::Code(cursor.take_until("}%")?.to_owned())
    } else if cursor.take("<")? {
        Action::Inbound(packet::packet(cursor, true)?)
    } else if cursor.take(">")? {
        Action::Outbound(packet::packet(cursor, false)?)
    } else {
        return Ok(Action::Call(call::call(cursor, end)?));
    };
    match end {
        Some(_) => cursor.error("only a system call takes a range of times to block"),
        None => Ok(action),
    }
}

#[cfg(test)]
mod tests;
