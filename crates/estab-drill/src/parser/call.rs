//! System calls: `write(4, ..., 1000) = -1 EAGAIN (Resource temporarily unavailable)`.

use crate::ast::{Arg, Call, CallResult};
use crate::cursor::{Cursor, ParseError};

/// A call, after its time.
pub(super) fn call(cursor: &mut Cursor<'_>, end: Option<i64>) -> Result<Call, ParseError> {
    let name = cursor.word()?.to_owned();
    cursor.expect("(")?;
    let args = args(cursor, ")")?;
    cursor.expect("=")?;
    let result = result(cursor)?;
    Ok(Call {
        name,
        args,
        result,
        end,
    })
}

/// The result, and a note in parentheses that nobody reads.
fn result(cursor: &mut Cursor<'_>) -> Result<CallResult, ParseError> {
    if cursor.take("...")? {
        return Ok(CallResult::Any);
    }
    let value = cursor.integer()?;
    let mut result = CallResult::Value(value);
    cursor.skip_blanks()?;
    if value == -1 && cursor.peek().is_some_and(|c| c.is_ascii_uppercase()) {
        result = CallResult::Errno(cursor.word()?.to_owned());
    }
    if cursor.take("(")? {
        cursor.take_until(")")?;
    }
    Ok(result)
}

/// Arguments up to `end`.
fn args(cursor: &mut Cursor<'_>, end: &str) -> Result<Vec<Arg>, ParseError> {
    let mut list = Vec::new();
    if cursor.take(end)? {
        return Ok(list);
    }
    loop {
        list.push(arg(cursor)?);
        if !cursor.take(",")? {
            cursor.expect(end)?;
            return Ok(list);
        }
    }
}

fn arg(cursor: &mut Cursor<'_>) -> Result<Arg, ParseError> {
    let first = term(cursor)?;
    let mut all = vec![first];
    while cursor.take("|")? {
        all.push(term(cursor)?);
    }
    match all.len() {
        1 => Ok(all.swap_remove(0)),
        _ => Ok(Arg::Or(all)),
    }
}

fn term(cursor: &mut Cursor<'_>) -> Result<Arg, ParseError> {
    if cursor.take("...")? {
        return Ok(Arg::Any);
    }
    if cursor.take("[")? {
        return Ok(Arg::List(args(cursor, "]")?));
    }
    if cursor.take("{")? {
        return Ok(Arg::Struct(fields(cursor)?));
    }
    if cursor.take("\"")? {
        return Ok(Arg::Text(cursor.take_until("\"")?.to_owned()));
    }
    match cursor.peek() {
        Some(c) if c.is_ascii_digit() || c == '-' => Ok(Arg::Number(cursor.integer()?)),
        _ => {
            let name = cursor.word()?.to_owned();
            match cursor.take("(")? {
                true => Ok(Arg::Function(name, args(cursor, ")")?)),
                false => Ok(Arg::Name(name)),
            }
        }
    }
}

/// The fields of a structure: `name=value`, `name(size)=value` or just a value.
fn fields(cursor: &mut Cursor<'_>) -> Result<Vec<(Option<String>, Arg)>, ParseError> {
    let mut fields = Vec::new();
    if cursor.take("}")? {
        return Ok(fields);
    }
    loop {
        let value = arg(cursor)?;
        fields.push(match (cursor.take("=")?, value) {
            (true, Arg::Name(name) | Arg::Function(name, _)) => (Some(name), arg(cursor)?),
            (true, _) => return cursor.error("a field needs a name before '='"),
            (false, value) => (None, value),
        });
        if !cursor.take(",")? {
            cursor.expect("}")?;
            return Ok(fields);
        }
    }
}
