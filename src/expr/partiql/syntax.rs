//! Statements as trees, the way they were written. As deep as the parser allows.

use super::token::Place;
use crate::ast::Comparator;

#[derive(Debug)]
pub(super) enum Statement {
    Select(Select),
    Insert {
        into: Vec<String>,
        place: Place,
        item: Expr,
    },
    Update {
        from: Vec<String>,
        changes: Vec<Change>,
        condition: Option<Expr>,
        returning: Option<String>,
    },
    Delete {
        from: Vec<String>,
        condition: Option<Expr>,
        returning: Option<String>,
    },
    /// `EXISTS(SELECT …)`
    Exists(Select),
    /// An expression alone, which is no statement.
    Expression(Expr),
}

#[derive(Debug)]
pub(super) struct Select {
    /// None for `*`.
    pub(super) columns: Option<Vec<Column>>,
    /// Table, and perhaps index.
    pub(super) from: Vec<String>,
    pub(super) condition: Option<Expr>,
    pub(super) order: Vec<OrderTerm>,
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) expr: Expr,
    pub(super) place: Place,
}

#[derive(Debug)]
pub(super) struct OrderTerm {
    pub(super) expr: Expr,
    pub(super) is_descending: bool,
}

/// A part of an UPDATE.
#[derive(Debug)]
pub(super) enum Change {
    Set(Expr, Expr),
    Remove(Expr),
}

#[derive(Debug)]
pub(super) enum Expr {
    Text(String),
    /// With its sign; what it is worth is found out later.
    Number(String),
    Bool(bool),
    Null,
    Missing,
    /// Counted from 0.
    Parameter(usize),
    Path(Vec<Step>),
    List(Vec<Expr>),
    Bag(Vec<Expr>),
    Struct(Vec<(Expr, Expr)>),
    Call(Call),
    Compare(Comparator, Box<[Expr; 2]>),
    Between(Box<[Expr; 3]>),
    In(Box<Expr>, Vec<Expr>),
    Is(Box<Expr>, String),
    Not(Box<Expr>),
    All(Vec<Expr>),
    Any(Vec<Expr>),
    /// An operator that only adds up or nothing here evaluates: `+`, `-`, `*`, `/`, `%`, `||`, `LIKE`.
    Operator(&'static str, Box<[Expr; 2]>),
}

#[derive(Debug)]
pub(super) struct Call {
    /// In lower case.
    pub(super) function: String,
    pub(super) arguments: Vec<Expr>,
    pub(super) place: Place,
    /// Of what stands behind the parenthesis.
    pub(super) inner_place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Member(String),
    /// Its digits.
    Index(String),
}

impl Expr {
    /// What DynamoDB calls it where it does not belong.
    ///
    /// DynamoDB: `IsType` was seen (conformance suite, grammar); the others are called in the same manner.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Expr::Text(_) | Expr::Number(_) | Expr::Bool(_) | Expr::Null => "Lit",
            Expr::Missing => "Missing",
            Expr::Parameter(_) => "Parameter",
            Expr::Path(steps) if steps.len() == 1 => "Id",
            Expr::Path(_) => "Path",
            Expr::List(_) => "List",
            Expr::Bag(_) => "Bag",
            Expr::Struct(_) => "Struct",
            Expr::Call(_) => "Call",
            Expr::Compare(comparator, _) => match comparator {
                Comparator::Equal => "Eq",
                Comparator::NotEqual => "Ne",
                Comparator::Less => "Lt",
                Comparator::AtMost => "Lte",
                Comparator::More => "Gt",
                Comparator::AtLeast => "Gte",
            },
            Expr::Between(_) => "Between",
            Expr::In(..) => "InCollection",
            Expr::Is(..) => "IsType",
            Expr::Not(_) => "Not",
            Expr::All(_) => "And",
            Expr::Any(_) => "Or",
            Expr::Operator(operator, _) => match *operator {
                "+" => "Plus",
                "-" => "Minus",
                "*" => "Times",
                "/" => "Divide",
                "%" => "Modulo",
                "||" => "Concat",
                _ => "Like",
            },
        }
    }
}
