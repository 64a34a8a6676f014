//! Tokens to trees.
//!
//! DynamoDB: the order in which a text is read, and with it which fault is reported, is that of the first
//! parser of the PartiQL project; the words are those of the conformance suite where it has them. Everything
//! is an expression first, also what follows the name of a table.

mod expression;

use super::StatementFault::{self, NotWellFormed, Syntax};
use super::keywords;
use super::syntax::{Change, Column, Expr, OrderTerm, Select, Statement};
use super::token::{Kind, Token, tokens};

/// How deep parentheses, literals and calls may lie in each other: more than any item or statement needs.
const DEPTH_MAX: usize = 100;

/// What could follow a SELECT elsewhere.
const UNSUPPORTED_CLAUSES: [&str; 5] = ["LIMIT", "OFFSET", "GROUP", "HAVING", "LET"];

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
}
