//! The value of an expression, as Python has it.

use std::cmp::Ordering;

use crate::expr::Value;
use crate::expr::parse::Node;

/// What names stand for.
pub(crate) trait Names {
    /// The value of `name`.
    ///
    /// # Errors
    ///
    /// Why there is none.
    fn value(&self, name: &str) -> Result<Value, String>;
}

/// The value of `node`.
pub(super) fn evaluate(node: &Node, names: &dyn Names) -> Result<Value, String> {
    match node {
        Node::Literal(value) => Ok(value.clone()),
        Node::Name(name) => names.value(name),
        Node::Unary(sign, node) => unary(sign, evaluate(node, names)?),
        Node::Binary("and", left, right) => match evaluate(left, names)? {
            left if left.is_true() => evaluate(right, names),
            left => Ok(left),
        },
        Node::Binary("or", left, right) => match evaluate(left, names)? {
            left if left.is_true() => Ok(left),
            _ => evaluate(right, names),
        },
        Node::Binary(sign, left, right) => {
            binary(sign, &evaluate(left, names)?, &evaluate(right, names)?)
        }
        Node::Compare(first, others) => {
            let mut left = evaluate(first, names)?;
            for (sign, node) in others {
                let right = evaluate(node, names)?;
                if !compare(sign, &left, &right)? {
                    return Ok(Value::Bool(false));
                }
                left = right;
            }
            Ok(Value::Bool(true))
        }
        Node::Function(name, nodes) => {
            let values: Result<Vec<_>, _> =
                nodes.iter().map(|node| evaluate(node, names)).collect();
            function(name, values?)
        }
        Node::List(nodes) => {
            let values: Result<_, _> = nodes.iter().map(|node| evaluate(node, names)).collect();
            Ok(Value::List(values?))
        }
        Node::Choice(nodes) => match evaluate(&nodes[1], names)?.is_true() {
            true => evaluate(&nodes[0], names),
            false => evaluate(&nodes[2], names),
        },
    }
}

fn unary(sign: &str, value: Value) -> Result<Value, String> {
    match (sign, number(&value)) {
        ("not", _) => Ok(Value::Bool(!value.is_true())),
        ("-", Some(Number::Int(value))) => Ok(Value::Int(value.wrapping_neg())),
        ("-", Some(Number::Float(value))) => Ok(Value::Float(-value)),
        ("~", Some(Number::Int(value))) => Ok(Value::Int(!value)),
        ("+", Some(_)) => Ok(value),
        _ => Err(format!("'{sign}' does not go with {value}")),
    }
}

/// A number of either kind.
#[derive(Clone, Copy)]
enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    fn float(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Bool(value) => Some(Number::Int(i64::from(*value))),
        Value::Int(value) => Some(Number::Int(*value)),
        Value::Float(value) => Some(Number::Float(*value)),
        _ => None,
    }
}

fn binary(sign: &str, left: &Value, right: &Value) -> Result<Value, String> {
    let refused = || format!("'{sign}' does not go with {left} and {right}");
    let result = match (number(left), number(right)) {
        (Some(Number::Int(a)), Some(Number::Int(b))) if sign != "/" => {
            integers(sign, a, b).map(Value::Int)
        }
        (Some(a), Some(b)) => floats(sign, a.float(), b.float()).map(Value::Float),
        _ => match (left, right) {
            (Value::Text(a), Value::Text(b)) if sign == "+" => Some(Value::Text(format!("{a}{b}"))),
            _ => None,
        },
    };
    result.ok_or_else(refused)
}

fn integers(sign: &str, a: i64, b: i64) -> Option<i64> {
    match sign {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        // Python rounds towards minus infinity.
        "//" => {
            let quotient = a.checked_div(b)?;
            Some(quotient - i64::from(a % b != 0 && (a < 0) != (b < 0)))
        }
        "%" => {
            let rest = a.checked_rem(b)?;
            Some(if rest != 0 && (rest < 0) != (b < 0) {
                rest + b
            } else {
                rest
            })
        }
        "**" => a.checked_pow(u32::try_from(b).ok()?),
        "&" => Some(a & b),
        "|" => Some(a | b),
        "^" => Some(a ^ b),
        "<<" => a.checked_shl(u32::try_from(b).ok()?),
        ">>" => a.checked_shr(u32::try_from(b).ok()?),
        _ => None,
    }
}

fn floats(sign: &str, a: f64, b: f64) -> Option<f64> {
    match sign {
        "+" => Some(a + b),
        "-" => Some(a - b),
        "*" => Some(a * b),
        "/" if b != 0.0 => Some(a / b),
        "//" if b != 0.0 => Some((a / b).floor()),
        "**" => Some(a.powf(b)),
        _ => None,
    }
}

fn compare(sign: &str, left: &Value, right: &Value) -> Result<bool, String> {
    if sign == "in" {
        let Value::List(values) = right else {
            return Err(format!("'in' needs a list, not {right}"));
        };
        return Ok(values
            .iter()
            .any(|value| order(left, value) == Some(Ordering::Equal)));
    }
    let order = order(left, right);
    match sign {
        "==" => Ok(order == Some(Ordering::Equal)),
        "!=" => Ok(order != Some(Ordering::Equal)),
        _ => {
            let order = order.ok_or_else(|| format!("{left} and {right} cannot be compared"))?;
            Ok(match sign {
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                _ => order.is_ge(),
            })
        }
    }
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (number(left), number(right)) {
        (Some(Number::Int(a)), Some(Number::Int(b))) => Some(a.cmp(&b)),
        (Some(a), Some(b)) => a.float().partial_cmp(&b.float()),
        _ => match (left, right) {
            (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
            _ => None,
        },
    }
}

fn function(name: &str, values: Vec<Value>) -> Result<Value, String> {
    let refused = || format!("{name}() of such values is not supported");
    let one = || values.first().and_then(number).ok_or_else(refused);
    match name {
        "abs" => Ok(match one()? {
            Number::Int(value) => Value::Int(value.saturating_abs()),
            Number::Float(value) => Value::Float(value.abs()),
        }),
        "int" => Ok(Value::Int(one()?.float() as i64)),
        "round" => Ok(Value::Int(one()?.float().round() as i64)),
        "float" => Ok(Value::Float(one()?.float())),
        "min" | "max" => {
            let wanted = if name == "min" {
                Ordering::Less
            } else {
                Ordering::Greater
            };
            let mut values = values.into_iter();
            let mut best = values
                .next()
                .ok_or_else(|| format!("{name}() of nothing"))?;
            for value in values {
                if order(&value, &best) == Some(wanted) {
                    best = value;
                }
            }
            Ok(best)
        }
        _ => Err(format!("function '{name}' is not supported")),
    }
}
