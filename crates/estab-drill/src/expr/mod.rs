//! Assertion blocks, `%{ assert tcpi_unacked == 1, tcpi_unacked }%`: the part of Python that
//! scripts use.
//!
//! Statements: `assert`, assignment to a name, `print`, and bare expressions. Expressions: numbers,
//! texts, names, comparisons and chains of them, `in` a list, `and`, `or`, `not`, arithmetic and bit
//! operations, `a if b else c`, and the functions `abs`, `min`, `max`, `round`, `int`, `float`.

mod eval;
mod parse;
mod token;

use std::collections::BTreeMap;
use std::fmt;

pub(crate) use eval::Names;
use eval::evaluate;
use parse::{Node, Parser, Statement};

/// What an expression yields.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// `True`, `False`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A fraction.
    Float(f64),
    /// A text.
    Text(String),
    /// A list or tuple.
    List(Vec<Value>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(value) => f.write_str(value),
            Self::List(values) => {
                let values: Vec<_> = values.iter().map(ToString::to_string).collect();
                write!(f, "({})", values.join(", "))
            }
        }
    }
}

impl Value {
    /// Whether Python takes it for true.
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(value) => !value.is_empty(),
            Self::List(values) => !values.is_empty(),
        }
    }
}

/// What assertion blocks leave behind for later ones.
#[derive(Debug, Default)]
pub(crate) struct Interpreter {
    variables: BTreeMap<String, Value>,
    /// What `print` wrote, a line each.
    pub(crate) printed: Vec<String>,
}

impl Interpreter {
    /// Runs a block. `names` knows the figures of the connection and the constants.
    ///
    /// # Errors
    ///
    /// The assertion that does not hold or the construct that is not understood, with its line
    /// within the block, from 0.
    pub(crate) fn run(&mut self, code: &str, names: &dyn Names) -> Result<(), (u32, String)> {
        let tokens = token::tokens(code)?;
        let mut parser = Parser::new(&tokens);
        while let Some((line, statement)) = parser.statement()? {
            self.execute(statement, names)
                .map_err(|message| (line, message))?;
        }
        Ok(())
    }

    fn execute(&mut self, statement: Statement, names: &dyn Names) -> Result<(), String> {
        let scope = Scope {
            variables: &self.variables,
            names,
        };
        match statement {
            Statement::Assert(condition, message) => {
                if evaluate(&condition, &scope)?.is_true() {
                    return Ok(());
                }
                let mut text = format!("assertion failed: {condition}");
                if let Some(sides) = describe(&condition, &scope) {
                    text += &format!(" ({sides})");
                }
                if let Some(message) = message {
                    text += &format!(": {}", evaluate(&message, &scope)?);
                }
                Err(text)
            }
            Statement::Assign(name, value) => {
                let value = evaluate(&value, &scope)?;
                self.variables.insert(name, value);
                Ok(())
            }
            Statement::Print(values) => {
                let values: Result<Vec<_>, _> =
                    values.iter().map(|node| evaluate(node, &scope)).collect();
                let values: Vec<_> = values?.iter().map(ToString::to_string).collect();
                self.printed.push(values.join(" "));
                Ok(())
            }
            Statement::Expression(node) => evaluate(&node, &scope).map(drop),
        }
    }
}

/// The names a block sees: its own variables before everything else.
struct Scope<'a> {
    variables: &'a BTreeMap<String, Value>,
    names: &'a dyn Names,
}

impl Names for Scope<'_> {
    fn value(&self, name: &str) -> Result<Value, String> {
        match self.variables.get(name) {
            Some(value) => Ok(value.clone()),
            None => self.names.value(name),
        }
    }
}

/// The values of the names in a failed condition.
fn describe(condition: &Node, names: &dyn Names) -> Option<String> {
    let mut found = Vec::new();
    condition.names(&mut found);
    let known: Vec<_> = found
        .iter()
        .filter_map(|name| Some(format!("{name} = {}", names.value(name).ok()?)))
        .collect();
    (!known.is_empty()).then(|| known.join(", "))
}

#[cfg(test)]
mod tests;
