//! Expressions: from what OR joins down to literals and paths.

use super::super::StatementFault::{self, NotWellFormed, Syntax};
use super::super::keywords;
use super::super::syntax::{Call, Expr, Step};
use super::super::token::{Kind, Place, Token};
use super::{DEPTH_MAX, Parsed, Parser};
use crate::ast::Comparator;

const OPERATORS: [&str; 6] = ["AND", "OR", "IS", "IN", "LIKE", "BETWEEN"];
/// Names of types that `IS` may be followed by, in the words of SQL and of PartiQL.
const TYPES: [&str; 35] = [
    "MISSING",
    "NULL",
    "BOOL",
    "BOOLEAN",
    "BLOB",
    "CLOB",
    "STRING",
    "SYMBOL",
    "VARCHAR",
    "CHAR",
    "CHARACTER",
    "CHARACTER VARYING",
    "NUMERIC",
    "DECIMAL",
    "DEC",
    "FLOAT",
    "REAL",
    "DOUBLE PRECISION",
    "INT",
    "INTEGER",
    "INT2",
    "INT4",
    "INT8",
    "INTEGER2",
    "INTEGER4",
    "INTEGER8",
    "SMALLINT",
    "BIGINT",
    "TIMESTAMP",
    "DATE",
    "TIME",
    "STRUCT",
    "TUPLE",
    "LIST",
    "BAG",
];

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Parsed<Expr> {
        self.nested(Self::any)
    }

    fn any(&mut self) -> Parsed<Expr> {
        self.joined("OR", Self::all, Expr::Any)
    }

    fn all(&mut self) -> Parsed<Expr> {
        self.joined("AND", Self::not, Expr::All)
    }

    fn joined(
        &mut self,
        operator: &str,
        operand: fn(&mut Self) -> Parsed<Expr>,
        join: fn(Vec<Expr>) -> Expr,
    ) -> Parsed<Expr> {
        let mut operands = vec![operand(self)?];
        while self.take_word(operator) {
            self.refuse_end()?;
            operands.push(operand(self)?);
        }
        Ok(if operands.len() == 1 { operands.remove(0) } else { join(operands) })
    }

    fn refuse_end(&self) -> Parsed<()> {
        match self.token().kind {
            Kind::End => Err(Syntax("Missing right-hand side expression of infix operator")),
            _ => Ok(()),
        }
    }

    fn not(&mut self) -> Parsed<Expr> {
        let mut count = 0;
        while self.take_word("NOT") {
            count += 1;
        }
        let expr = self.comparison()?;
        // Twice is not at all.
        Ok(if count % 2 == 1 { Expr::Not(Box::new(expr)) } else { expr })
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        let left = self.sum()?;
        if let Some(comparator) = self.comparator() {
            self.step();
            self.refuse_end()?;
            let right = self.sum()?;
            return Ok(Expr::Compare(comparator, Box::new([left, right])));
        }
        if self.take_word("IS") {
            let is_negated = self.take_word("NOT");
            let is = Expr::Is(Box::new(left), self.type_name()?);
            return Ok(negated_if(is_negated, is));
        }
        let follows = |token: &Token<'_>| ["IN", "BETWEEN", "LIKE"].iter().any(|word| token.is_word(word));
        let is_negated = self.token().is_word("NOT") && self.tokens.get(self.next + 1).is_some_and(follows);
        if is_negated {
            self.step();
        }
        let expr = if self.take_word("IN") {
            self.refuse_end()?;
            Expr::In(Box::new(left), self.list_of_in()?)
        } else if self.take_word("BETWEEN") {
            self.refuse_end()?;
            let low = self.sum()?;
            self.expect_word("AND", "Expected AND after BETWEEN")?;
            self.refuse_end()?;
            Expr::Between(Box::new([left, low, self.sum()?]))
        } else if self.take_word("LIKE") {
            self.refuse_end()?;
            Expr::Operator("LIKE", Box::new([left, self.sum()?]))
        } else {
            left
        };
        Ok(negated_if(is_negated, expr))
    }

    fn comparator(&self) -> Option<Comparator> {
        let Kind::Sign(sign) = self.token().kind else { return None };
        Some(match sign {
            "=" => Comparator::Equal,
            "<>" | "!=" => Comparator::NotEqual,
            "<" => Comparator::Less,
            "<=" => Comparator::AtMost,
            ">" => Comparator::More,
            ">=" => Comparator::AtLeast,
            _ => return None,
        })
    }

    /// In parentheses or brackets; anything else is no list, which is said later.
    fn list_of_in(&mut self) -> Parsed<Vec<Expr>> {
        if self.take_sign("(") {
            return self.nested(|parser| parser.until(")"));
        }
        match self.sum()? {
            Expr::List(elements) | Expr::Bag(elements) => Ok(elements),
            _ => Ok(Vec::new()),
        }
    }

    fn type_name(&mut self) -> Parsed<String> {
        let Kind::Word(word) = self.token().kind else { return Err(Syntax("Expected type name")) };
        let mut name = word.to_ascii_uppercase();
        self.step();
        for (first, second) in [("DOUBLE", "PRECISION"), ("CHARACTER", "VARYING")] {
            if name == first && self.take_word(second) {
                name = format!("{first} {second}");
            }
        }
        if TYPES.contains(&name.as_str()) { Ok(name) } else { Err(Syntax("Expected type name")) }
    }

    fn sum(&mut self) -> Parsed<Expr> {
        self.infix(&["+", "-", "||"], Self::product)
    }

    fn product(&mut self) -> Parsed<Expr> {
        self.infix(&["*", "/", "%"], Self::term)
    }

    /// Each operator makes the tree one level deeper on its left.
    fn infix(&mut self, signs: &[&'static str], operand: fn(&mut Self) -> Parsed<Expr>) -> Parsed<Expr> {
        let mut left = operand(self)?;
        let mut levels = 0;
        while let Some(sign) = signs.iter().find(|sign| self.token().is_sign(sign)) {
            levels += 1;
            if self.depth + levels > DEPTH_MAX {
                return Err(NotWellFormed);
            }
            self.step();
            self.refuse_end()?;
            left = Expr::Operator(sign, Box::new([left, operand(self)?]));
        }
        Ok(left)
    }

    pub(super) fn term(&mut self) -> Parsed<Expr> {
        let token = self.token().clone();
        let term = match token.kind {
            Kind::End => return Err(Syntax("Unexpected term")),
            Kind::Text(text) => Expr::Text(text),
            Kind::Number(number) => Expr::Number(number.to_owned()),
            Kind::Parameter => {
                self.parameters += 1;
                Expr::Parameter(self.parameters - 1)
            }
            Kind::Name(name) => return self.path(name),
            Kind::Word(word) => return self.word(word),
            Kind::Sign(sign) => return self.signed_term(sign),
        };
        self.step();
        Ok(term)
    }

    fn signed_term(&mut self, sign: &'static str) -> Parsed<Expr> {
        if !matches!(sign, "(" | "[" | "<<" | "{" | "-" | "+") {
            return Err(Syntax("Unexpected term"));
        }
        self.step();
        self.nested(|parser| match sign {
            "(" => {
                let inner = parser.expression()?;
                if matches!(parser.token().kind, Kind::End) {
                    return Err(Syntax("Expected )"));
                }
                // `(a, b)` is a list as well.
                if parser.take_sign(",") {
                    let mut elements = vec![inner];
                    elements.extend(parser.until(")")?);
                    return Ok(Expr::List(elements));
                }
                parser.expect_sign(")", "Expected )")?;
                Ok(inner)
            }
            "[" => parser.until("]").map(Expr::List),
            "<<" => parser.until(">>").map(Expr::Bag),
            "{" => parser.members().map(Expr::Struct),
            sign => match parser.term()? {
                Expr::Number(number) if !number.starts_with('-') => {
                    Ok(Expr::Number(if sign == "-" { format!("-{number}") } else { number }))
                }
                other => Ok(Expr::Operator(
                    if sign == "-" { "-" } else { "+" },
                    Box::new([Expr::Number("0".to_owned()), other]),
                )),
            },
        })
    }

    /// Elements up to a closing sign.
    fn until(&mut self, end: &str) -> Parsed<Vec<Expr>> {
        let mut elements = Vec::new();
        if self.take_sign(end) {
            return Ok(elements);
        }
        loop {
            elements.push(self.expression()?);
            if !self.take_sign(",") {
                self.expect_sign(end, "Expected closing delimiter")?;
                return Ok(elements);
            }
        }
    }

    fn members(&mut self) -> Parsed<Vec<(Expr, Expr)>> {
        let mut members = Vec::new();
        if self.take_sign("}") {
            return Ok(members);
        }
        loop {
            let key = self.expression()?;
            self.expect_sign(":", "Expected ':' in struct")?;
            members.push((key, self.expression()?));
            if !self.take_sign(",") {
                self.expect_sign("}", "Expected closing delimiter")?;
                return Ok(members);
            }
        }
    }

    fn word(&mut self, word: &str) -> Parsed<Expr> {
        let constant = match word.to_ascii_uppercase().as_str() {
            "TRUE" => Some(Expr::Bool(true)),
            "FALSE" => Some(Expr::Bool(false)),
            "NULL" => Some(Expr::Null),
            "MISSING" => Some(Expr::Missing),
            // A statement of its own, which nothing here follows up.
            "FROM" => return Err(Syntax("Expected data manipulation")),
            _ => None,
        };
        let place = self.token().place;
        self.step();
        match constant {
            Some(constant) => Ok(constant),
            None if is_one_of(word, &OPERATORS) => Err(Syntax("Unexpected operator")),
            None if self.take_sign("(") => self.call(word.to_ascii_lowercase(), place).map(Expr::Call),
            None if keywords::is_keyword(word) => Err(Syntax("Unexpected keyword")),
            None => {
                self.next -= 1;
                self.path(word.to_owned())
            }
        }
    }

    /// What stands between the parentheses.
    fn call(&mut self, function: String, place: Place) -> Parsed<Call> {
        let inner_place = self.token().place;
        // `COUNT(*)` can be read, though nothing is counted.
        let arguments = if self.take_sign("*") {
            self.expect_sign(")", "Expected )")?;
            Vec::new()
        } else {
            self.nested(|parser| parser.until(")"))?
        };
        Ok(Call { function, arguments, place, inner_place })
    }

    fn path(&mut self, first: String) -> Parsed<Expr> {
        self.step();
        let mut steps = vec![Step::Member(first)];
        loop {
            if self.take_sign(".") {
                if self.token().is_sign("*") {
                    return Err(StatementFault::Unpivot);
                }
                steps.push(Step::Member(self.name("Invalid path dot component")?));
            } else if self.take_sign("[") {
                let step = match &self.token().kind {
                    Kind::Number(digits) => Step::Index((*digits).to_owned()),
                    Kind::Text(name) => Step::Member(name.clone()),
                    Kind::Sign("*") => return Err(StatementFault::Wildcard),
                    _ => return Err(Syntax("Unexpected term")),
                };
                self.step();
                self.expect_sign("]", "Expected closing delimiter")?;
                steps.push(step);
            } else {
                return Ok(Expr::Path(steps));
            }
        }
    }
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|other| word.eq_ignore_ascii_case(other))
}

fn negated_if(is_negated: bool, expr: Expr) -> Expr {
    if is_negated { Expr::Not(Box::new(expr)) } else { expr }
}
