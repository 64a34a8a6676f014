//! Tokens to trees.
//!
//! DynamoDB: the order in which a text is read, and with it which fault is reported, is that of the first
//! parser of the PartiQL project; the words are those of the conformance suite where it has them. Everything
//! is an expression first, also what follows the name of a table.

use super::StatementFault::{self, NotWellFormed, Syntax};
use super::keywords;
use super::syntax::{Call, Change, Column, Expr, OrderTerm, Select, Statement, Step};
use super::token::{Kind, Place, Token, tokens};
use crate::ast::Comparator;

/// How deep parentheses, literals and calls may lie in each other: more than any item or statement needs.
const DEPTH_MAX: usize = 100;

const OPERATORS: [&str; 6] = ["AND", "OR", "IS", "IN", "LIKE", "BETWEEN"];
/// What could follow a SELECT elsewhere.
const UNSUPPORTED_CLAUSES: [&str; 5] = ["LIMIT", "OFFSET", "GROUP", "HAVING", "LET"];
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

/// A statement, and how many parameters it has.
pub(super) fn statement(text: &str) -> Result<(Statement, usize), StatementFault> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, parameters: 0, depth: 0 };
    let statement = parser.statement()?;
    match parser.token().kind {
        Kind::End => Ok((statement, parser.parameters)),
        _ => Err(Syntax("Unexpected token after expression")),
    }
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    next: usize,
    parameters: usize,
    depth: usize,
}

type Parsed<T> = Result<T, StatementFault>;

impl<'a> Parser<'a> {
    fn token(&self) -> &Token<'a> {
        &self.tokens[self.next]
    }

    fn step(&mut self) {
        self.next = (self.next + 1).min(self.tokens.len() - 1);
    }

    fn take_word(&mut self, keyword: &str) -> bool {
        let found = self.token().is_word(keyword);
        if found {
            self.step();
        }
        found
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.token().is_sign(sign);
        if found {
            self.step();
        }
        found
    }

    fn expect_word(&mut self, keyword: &str, fault: &'static str) -> Parsed<()> {
        if self.take_word(keyword) { Ok(()) } else { Err(Syntax(fault)) }
    }

    fn expect_sign(&mut self, sign: &str, fault: &'static str) -> Parsed<()> {
        if self.take_sign(sign) { Ok(()) } else { Err(Syntax(fault)) }
    }

    /// What `inner` reads, one level deeper.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(NotWellFormed);
        }
        let read = inner(self);
        self.depth -= 1;
        read
    }

    fn statement(&mut self) -> Parsed<Statement> {
        let Kind::Word(word) = self.token().kind else { return self.expression().map(Statement::Expression) };
        match word.to_ascii_uppercase().as_str() {
            "SELECT" => self.select().map(Statement::Select),
            "INSERT" => self.insert(),
            "UPDATE" => self.update(),
            "DELETE" => self.delete(),
            "FROM" => self.update_from(),
            "EXISTS" => self.exists(),
            _ => self.expression().map(Statement::Expression),
        }
    }

    fn select(&mut self) -> Parsed<Select> {
        self.step();
        let columns = self.columns()?;
        self.expect_word("FROM", "Expected FROM after select list")?;
        match self.token().kind {
            Kind::End => return Err(Syntax("Unexpected term")),
            Kind::Word(word) if keywords::is_keyword(word) => return Err(Syntax("Unexpected keyword")),
            _ => {}
        }
        let from = self.source()?;
        let condition = self.condition()?;
        let mut order = Vec::new();
        if self.take_word("ORDER") {
            self.expect_word("BY", "Expected BY after ORDER")?;
            loop {
                let expr = self.expression()?;
                let is_descending = self.take_word("DESC");
                if !is_descending {
                    self.take_word("ASC");
                }
                order.push(OrderTerm { expr, is_descending });
                if !self.take_sign(",") {
                    break;
                }
            }
        }
        self.refuse_clauses()?;
        Ok(Select { columns, from, condition, order })
    }

    /// DynamoDB: what is named as unsupported is where the clause's content stands (recorded of `LIMIT 5`).
    fn refuse_clauses(&mut self) -> Parsed<()> {
        let Some(clause) = UNSUPPORTED_CLAUSES.into_iter().find(|clause| self.token().is_word(clause)) else {
            return Ok(());
        };
        self.step();
        let place = self.token().place;
        Err(StatementFault::UnsupportedClause { clause, place })
    }

    fn columns(&mut self) -> Parsed<Option<Vec<Column>>> {
        if self.take_sign("*") {
            if self.token().is_sign(",") {
                return Err(StatementFault::StarAndOthers);
            }
            return Ok(None);
        }
        let mut columns = Vec::new();
        loop {
            let place = self.token().place;
            if self.token().is_sign("*") {
                return Err(StatementFault::StarAndOthers);
            }
            let expr = self.expression()?;
            if self.token().is_word("AS") {
                return Err(StatementFault::Alias);
            }
            columns.push(Column { expr, place });
            if !self.take_sign(",") {
                return Ok(Some(columns));
            }
        }
    }

    /// The name of a table, perhaps with that of an index.
    fn source(&mut self) -> Parsed<Vec<String>> {
        let mut parts = vec![self.name("Expected identifier for simple path")?];
        while self.take_sign(".") {
            parts.push(self.name("Expected identifier for simple path")?);
        }
        if self.token().is_sign(",") {
            return Err(StatementFault::SeveralSources);
        }
        self.refuse_alias()?;
        Ok(parts)
    }

    fn name(&mut self, fault: &'static str) -> Parsed<String> {
        let name = match &self.token().kind {
            Kind::Word(word) if !keywords::is_keyword(word) => (*word).to_owned(),
            Kind::Name(name) => name.clone(),
            _ => return Err(Syntax(fault)),
        };
        self.step();
        Ok(name)
    }

    fn refuse_alias(&self) -> Parsed<()> {
        match &self.token().kind {
            Kind::Name(_) => Err(StatementFault::Alias),
            Kind::Word(word) if word.eq_ignore_ascii_case("AS") => Err(StatementFault::Alias),
            Kind::Word(word) if !keywords::is_keyword(word) => Err(StatementFault::Alias),
            _ => Ok(()),
        }
    }

    fn condition(&mut self) -> Parsed<Option<Expr>> {
        if self.take_word("WHERE") { self.expression().map(Some) } else { Ok(None) }
    }

    fn insert(&mut self) -> Parsed<Statement> {
        self.step();
        self.expect_word("INTO", "Expected INTO after INSERT")?;
        let place = self.token().place;
        let mut into = vec![self.name("Expected identifier for simple path")?];
        while self.take_sign(".") {
            into.push(self.name("Expected identifier for simple path")?);
        }
        if self.token().is_sign("<<") || self.token().is_word("VALUES") || self.token().is_sign("[") {
            return Err(StatementFault::SeveralItems);
        }
        // DynamoDB: an alias is a leftover here, and no alias (conformance suite, grammar).
        if matches!(self.token().kind, Kind::Word(_)) && !self.token().is_word("VALUE") {
            return Err(Syntax("Unexpected token after expression"));
        }
        self.expect_word("VALUE", "Unexpected term")?;
        let item = self.expression()?;
        if self.token().is_word("RETURNING") {
            return Err(StatementFault::ReturningInInsert);
        }
        if self.token().is_word("AT") {
            return Err(StatementFault::AtInInsert);
        }
        Ok(Statement::Insert { into, place, item })
    }

    fn update(&mut self) -> Parsed<Statement> {
        self.step();
        let from = self.source()?;
        let changes = self.changes()?;
        let condition = self.condition()?;
        let returning = self.returning()?;
        Ok(Statement::Update { from, changes, condition, returning })
    }

    /// `FROM … WHERE … SET …`, which is another way to write an UPDATE.
    fn update_from(&mut self) -> Parsed<Statement> {
        self.step();
        let from = self.source()?;
        let condition = self.condition()?;
        let changes = self.changes()?;
        let returning = self.returning()?;
        Ok(Statement::Update { from, changes, condition, returning })
    }

    fn changes(&mut self) -> Parsed<Vec<Change>> {
        let mut changes = Vec::new();
        loop {
            if self.take_word("SET") {
                loop {
                    let path = self.term()?;
                    self.expect_sign("=", "Expected '=' for assignment")?;
                    let value = self.expression()?;
                    changes.push(Change::Set(path, value));
                    if !self.take_sign(",") {
                        break;
                    }
                }
            } else if self.take_word("REMOVE") {
                loop {
                    changes.push(Change::Remove(self.term()?));
                    if !self.take_sign(",") {
                        break;
                    }
                }
            } else if changes.is_empty() {
                return Err(Syntax("Expected data manipulation"));
            } else {
                return Ok(changes);
            }
        }
    }

    fn delete(&mut self) -> Parsed<Statement> {
        self.step();
        self.expect_word("FROM", "Expected FROM after DELETE")?;
        let from = self.source()?;
        let condition = self.condition()?;
        let returning = self.returning()?;
        Ok(Statement::Delete { from, condition, returning })
    }

    /// `RETURNING ALL OLD *` and the like; only what stands between.
    fn returning(&mut self) -> Parsed<Option<String>> {
        if !self.take_word("RETURNING") {
            return Ok(None);
        }
        let mut words = Vec::new();
        for choices in [["ALL", "MODIFIED"], ["OLD", "NEW"]] {
            let Some(word) = choices.into_iter().find(|word| self.token().is_word(word)) else {
                return Err(StatementFault::ReturningSyntax);
            };
            self.step();
            words.push(word);
        }
        if !self.take_sign("*") {
            return Err(StatementFault::ReturningSyntax);
        }
        if self.token().is_sign(",") {
            return Err(StatementFault::ReturningSeveral);
        }
        Ok(Some(words.join(" ")))
    }

    fn exists(&mut self) -> Parsed<Statement> {
        if !self.tokens.get(self.next + 2).is_some_and(|token| token.is_word("SELECT")) {
            return self.expression().map(Statement::Expression);
        }
        self.step();
        self.expect_sign("(", "Expected (")?;
        let select = self.select()?;
        self.expect_sign(")", "Expected )")?;
        Ok(Statement::Exists(select))
    }

    fn expression(&mut self) -> Parsed<Expr> {
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

    fn term(&mut self) -> Parsed<Expr> {
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
