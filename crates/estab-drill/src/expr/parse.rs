//! Statements and expressions, by precedence.

use std::fmt;

use crate::expr::Value;
use crate::expr::token::Token;

/// A statement.
#[derive(Clone, Debug)]
pub(super) enum Statement {
    /// `assert condition, message`.
    Assert(Node, Option<Node>),
    /// `name = value`.
    Assign(String, Node),
    /// `print(values)`.
    Print(Vec<Node>),
    /// An expression for nothing.
    Expression(Node),
}

/// An expression.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// A number or text.
    Literal(Value),
    /// A name.
    Name(String),
    /// `-a`, `~a`, `not a`.
    Unary(&'static str, Box<Node>),
    /// Arithmetic, `and`, `or`.
    Binary(&'static str, Box<Node>, Box<Node>),
    /// `a < b <= c`.
    Compare(Box<Node>, Vec<(&'static str, Node)>),
    /// `f(a, b)`.
    Function(String, Vec<Node>),
    /// `(a, b)`, `[a, b]`.
    List(Vec<Node>),
    /// `then if condition else otherwise`.
    Choice(Box<[Node; 3]>),
}

impl Node {
    /// Collects the names in it.
    pub(super) fn names(&self, found: &mut Vec<String>) {
        match self {
            Self::Literal(_) => {}
            Self::Name(name) => {
                if !found.contains(name) {
                    found.push(name.clone());
                }
            }
            Self::Unary(_, node) => node.names(found),
            Self::Binary(_, left, right) => {
                left.names(found);
                right.names(found);
            }
            Self::Compare(first, others) => {
                first.names(found);
                others.iter().for_each(|(_, node)| node.names(found));
            }
            Self::Function(_, nodes) | Self::List(nodes) => {
                nodes.iter().for_each(|node| node.names(found));
            }
            Self::Choice(nodes) => nodes.iter().for_each(|node| node.names(found)),
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |nodes: &[Node]| {
            let nodes: Vec<_> = nodes.iter().map(ToString::to_string).collect();
            nodes.join(", ")
        };
        match self {
            Self::Literal(Value::Text(text)) => write!(f, "'{text}'"),
            Self::Literal(value) => write!(f, "{value}"),
            Self::Name(name) => f.write_str(name),
            Self::Unary("not", node) => write!(f, "not {node}"),
            Self::Unary(sign, node) => write!(f, "{sign}{node}"),
            Self::Binary(sign @ ("and" | "or"), left, right) => {
                write!(f, "{left} {sign} {right}")
            }
            Self::Binary(sign, left, right) => write!(f, "({left} {sign} {right})"),
            Self::Compare(first, others) => {
                write!(f, "{first}")?;
                others
                    .iter()
                    .try_for_each(|(sign, node)| write!(f, " {sign} {node}"))
            }
            Self::Function(name, nodes) => write!(f, "{name}({})", list(nodes)),
            Self::List(nodes) => write!(f, "({})", list(nodes)),
            Self::Choice(nodes) => {
                write!(f, "{} if {} else {}", nodes[0], nodes[1], nodes[2])
            }
        }
    }
}

/// A line within the block, from 0, and what is wrong there.
type Error = (u32, String);

/// Binary operators, those that bind least first.
const LEVELS: [&[&str]; 6] = [
    &["|"],
    &["^"],
    &["&"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "//", "%"],
];

/// Python's words that start what is not supported here.
const FOREIGN: [&str; 12] = [
    "if", "for", "while", "def", "import", "from", "with", "try", "class", "global", "lambda",
    "return",
];

/// A position in the words of a block.
pub(super) struct Parser<'a> {
    tokens: &'a [(u32, Token)],
    at: usize,
}

impl<'a> Parser<'a> {
    /// The start of `tokens`.
    pub(super) fn new(tokens: &'a [(u32, Token)]) -> Self {
        Self { tokens, at: 0 }
    }

    /// The next statement and its line; `None` at the end.
    pub(super) fn statement(&mut self) -> Result<Option<(u32, Statement)>, Error> {
        while self.peek() == Some(&Token::End) {
            self.at += 1;
        }
        let Some((line, token)) = self.tokens.get(self.at) else {
            return Ok(None);
        };
        let statement = match token {
            Token::Name(name) if FOREIGN.contains(&name.as_str()) => {
                return self.error(format!("'{name}' is not supported in assertion blocks"));
            }
            Token::Name(name) if name == "assert" => {
                self.at += 1;
                let condition = self.expression()?;
                let message = match self.take(",") {
                    true => Some(self.expression()?),
                    false => None,
                };
                Statement::Assert(condition, message)
            }
            Token::Name(name) if name == "print" => {
                self.at += 1;
                match self.expression()? {
                    Node::List(nodes) => Statement::Print(nodes),
                    node => Statement::Print(vec![node]),
                }
            }
            Token::Name(name)
                if matches!(self.tokens.get(self.at + 1), Some((_, Token::Sign("=")))) =>
            {
                self.at += 2;
                Statement::Assign(name.clone(), self.expression()?)
            }
            _ => Statement::Expression(self.expression()?),
        };
        match self.peek() {
            Some(Token::End) | None => Ok(Some((*line, statement))),
            Some(other) => self.error(format!("{other:?} is not understood here")),
        }
    }

    fn expression(&mut self) -> Result<Node, Error> {
        let node = self.either()?;
        if !self.take_name("if") {
            return Ok(node);
        }
        let condition = self.either()?;
        if !self.take_name("else") {
            return self.error("expected 'else'");
        }
        Ok(Node::Choice(Box::new([
            node,
            condition,
            self.expression()?,
        ])))
    }

    fn either(&mut self) -> Result<Node, Error> {
        let mut node = self.both()?;
        while self.take_name("or") {
            node = Node::Binary("or", Box::new(node), Box::new(self.both()?));
        }
        Ok(node)
    }

    fn both(&mut self) -> Result<Node, Error> {
        let mut node = self.negation()?;
        while self.take_name("and") {
            node = Node::Binary("and", Box::new(node), Box::new(self.negation()?));
        }
        Ok(node)
    }

    fn negation(&mut self) -> Result<Node, Error> {
        match self.take_name("not") {
            true => Ok(Node::Unary("not", Box::new(self.negation()?))),
            false => self.comparison(),
        }
    }

    fn comparison(&mut self) -> Result<Node, Error> {
        let first = self.binary(0)?;
        let mut others = Vec::new();
        loop {
            let sign = ["==", "!=", "<=", ">=", "<", ">"]
                .into_iter()
                .find(|sign| self.take(sign));
            let sign = match sign {
                Some(sign) => sign,
                None if self.take_name("in") => "in",
                None => break,
            };
            others.push((sign, self.binary(0)?));
        }
        Ok(match others.is_empty() {
            true => first,
            false => Node::Compare(Box::new(first), others),
        })
    }

    fn binary(&mut self, level: usize) -> Result<Node, Error> {
        let Some(signs) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut node = self.binary(level + 1)?;
        while let Some(sign) = signs.iter().find(|sign| self.take(sign)) {
            node = Node::Binary(sign, Box::new(node), Box::new(self.binary(level + 1)?));
        }
        Ok(node)
    }

    fn unary(&mut self) -> Result<Node, Error> {
        for sign in ["-", "~", "+"] {
            if self.take(sign) {
                return Ok(Node::Unary(sign, Box::new(self.unary()?)));
            }
        }
        let base = self.atom()?;
        match self.take("**") {
            true => Ok(Node::Binary("**", Box::new(base), Box::new(self.unary()?))),
            false => Ok(base),
        }
    }

    fn atom(&mut self) -> Result<Node, Error> {
        let token = self.peek().cloned();
        self.at += 1;
        match token {
            Some(Token::Int(value)) => Ok(Node::Literal(Value::Int(value))),
            Some(Token::Float(value)) => Ok(Node::Literal(Value::Float(value))),
            Some(Token::Text(text)) => Ok(Node::Literal(Value::Text(text))),
            Some(Token::Name(name)) => match name.as_str() {
                "True" => Ok(Node::Literal(Value::Bool(true))),
                "False" => Ok(Node::Literal(Value::Bool(false))),
                _ if self.take("(") => Ok(Node::Function(name, self.list(")")?.0)),
                _ => Ok(Node::Name(name)),
            },
            Some(Token::Sign("(")) => match self.list(")")? {
                (mut nodes, false) if nodes.len() == 1 => Ok(nodes.swap_remove(0)),
                (nodes, _) => Ok(Node::List(nodes)),
            },
            Some(Token::Sign("[")) => Ok(Node::List(self.list("]")?.0)),
            other => {
                self.at -= 1;
                self.error(match other {
                    Some(Token::End) | None => "an expression that ends too early".into(),
                    Some(other) => format!("{other:?} is not understood here"),
                })
            }
        }
    }

    /// Expressions up to `end`, and whether a comma came last.
    fn list(&mut self, end: &str) -> Result<(Vec<Node>, bool), Error> {
        let mut nodes = Vec::new();
        let mut comma = false;
        while !self.take(end) {
            nodes.push(self.expression()?);
            comma = self.take(",");
            if !comma && self.peek() != Some(&Token::End) && !self.is_sign(end) {
                return self.error(format!("expected '{end}'"));
            }
            if self.peek() == Some(&Token::End) {
                return self.error(format!("expected '{end}'"));
            }
        }
        Ok((nodes, comma))
    }

    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Token::Sign(next)) if *next == sign)
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        self.at += usize::from(found);
        found
    }

    fn take_name(&mut self, name: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Name(next)) if next == name);
        self.at += usize::from(found);
        found
    }

    fn error<T>(&self, message: impl Into<String>) -> Result<T, Error> {
        let last = self.tokens.last().map_or(0, |(line, _)| *line);
        let line = self.tokens.get(self.at).map_or(last, |(line, _)| *line);
        Err((line, message.into()))
    }
}
