//! Tokens to trees: what all kinds of expressions have in common. No recursion: what is open is on a stack of
//! our own.

mod condition;
mod projection;
mod update;

use model::limits::EXPRESSION_BYTES_MAX;

pub(crate) use self::condition::condition;
pub(crate) use self::projection::projection;
pub(crate) use self::update::update;

use crate::Fault;
use crate::ast::{Name, Operand, OperandId, Path, Step, Style};
use crate::token::{self, Kind, Token};

/// DynamoDB: 4294967295 was seen refused as "not within the allowable range", 4294967294 was not.
pub(crate) const LIST_INDEX_MAX: u32 = u32::MAX - 1;

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    /// Of the next token.
    at: usize,
    /// In capitals; words that cannot be names here.
    keywords: &'static [&'static str],
    operands: Vec<Operand<'a>>,
    style: Style,
}

/// What waits for an operand to be completed.
enum Open<'a> {
    Parenthesis,
    Call { function: &'a str, arguments: Vec<OperandId> },
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, keywords: &'static [&'static str]) -> Result<Parser<'a>, Fault> {
        match text.len() {
            0 => return Err(Fault::Empty),
            bytes if bytes > EXPRESSION_BYTES_MAX => return Err(Fault::TooLong { bytes }),
            _ => {}
        }
        let tokens = token::tokens(text);
        Ok(Parser { text, tokens, at: 0, keywords, operands: Vec::new(), style: Style::default() })
    }

    fn peek(&self) -> Kind {
        self.tokens[self.at].kind
    }

    fn peek_text(&self) -> &'a str {
        let Token { start, end, .. } = self.tokens[self.at];
        &self.text[start..end]
    }

    /// Takes the next token; `End` stays.
    fn next(&mut self) -> &'a str {
        let text = self.peek_text();
        if self.peek() != Kind::End {
            self.at += 1;
        }
        text
    }

    fn eat(&mut self, kind: Kind) -> bool {
        let is_there = self.peek() == kind;
        if is_there {
            self.next();
        }
        is_there
    }

    fn expect(&mut self, kind: Kind) -> Result<&'a str, Fault> {
        if self.peek() == kind { Ok(self.next()) } else { Err(self.unexpected()) }
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        self.peek() == Kind::Word && self.peek_text().eq_ignore_ascii_case(keyword)
    }

    fn eat_keyword(&mut self, keyword: &str) -> bool {
        let is_there = self.is_keyword(keyword);
        if is_there {
            self.next();
        }
        is_there
    }

    /// The fault of the next token.
    ///
    /// DynamoDB: "near" is the text from the token before it to the token after it, or from the beginning
    /// or to the end of the whole if there is none (recorded in moto's tests of its tokenizer, and in many
    /// a bug report: `token: ":", near: "hits : incr"`).
    fn unexpected(&self) -> Fault {
        let from = self.at.checked_sub(1).map_or(0, |before| self.tokens[before].start);
        let after = self.tokens.get(self.at + 1).filter(|after| after.kind != Kind::End);
        let to = after.map_or(self.text.len(), |after| after.end);
        let token = match self.peek() {
            Kind::End => "<EOF>",
            _ => self.peek_text(),
        };
        Fault::Syntax { token: token.to_owned(), near: self.text[from..to].to_owned() }
    }

    fn end(&self) -> Result<(), Fault> {
        if self.peek() == Kind::End { Ok(()) } else { Err(self.unexpected()) }
    }

    fn path(&mut self) -> Result<Path<'a>, Fault> {
        let mut path = vec![self.member()?];
        self.extend(&mut path)?;
        Ok(path)
    }

    /// The steps behind a path's beginning.
    fn extend(&mut self, path: &mut Path<'a>) -> Result<(), Fault> {
        loop {
            if self.eat(Kind::Dot) {
                path.push(self.member()?);
            } else if self.eat(Kind::OpenBracket) {
                path.push(Step::Index(self.expect(Kind::Digits)?));
                self.expect(Kind::CloseBracket)?;
            } else {
                return Ok(());
            }
        }
    }

    fn member(&mut self) -> Result<Step<'a>, Fault> {
        let name = match self.peek() {
            Kind::Word if !self.keywords.iter().any(|keyword| self.is_keyword(keyword)) => {
                Name::Bare(self.next())
            }
            Kind::NamePlaceholder => Name::Placeholder(self.next()),
            _ => return Err(self.unexpected()),
        };
        Ok(Step::Member(name))
    }

    fn add(&mut self, operand: Operand<'a>) -> OperandId {
        self.operands.push(operand);
        self.operands.len() - 1
    }

    /// A path, a value or a call, in as many parentheses as it likes.
    fn operand(&mut self) -> Result<OperandId, Fault> {
        let mut open = Vec::new();
        loop {
            if self.eat(Kind::OpenParenthesis) {
                open.push(Open::Parenthesis);
            } else if self.is_call() {
                let function = self.next();
                self.next();
                open.push(Open::Call { function, arguments: Vec::new() });
            } else {
                let leaf = self.leaf()?;
                if let Some(complete) = self.close(leaf, &mut open)? {
                    return Ok(complete);
                }
            }
        }
    }

    fn is_call(&self) -> bool {
        self.peek() == Kind::Word
            && self.tokens[self.at + 1].kind == Kind::OpenParenthesis
            && !self.keywords.iter().any(|keyword| self.is_keyword(keyword))
    }

    fn leaf(&mut self) -> Result<OperandId, Fault> {
        let leaf = match self.peek() {
            Kind::ValuePlaceholder => Operand::Value(self.next()),
            _ => Operand::Path(self.path()?),
        };
        Ok(self.add(leaf))
    }

    /// Closes what a complete operand completes; `None` if another argument is to follow.
    fn close(
        &mut self,
        mut complete: OperandId,
        open: &mut Vec<Open<'a>>,
    ) -> Result<Option<OperandId>, Fault> {
        let mut is_in_parentheses = false;
        while let Some(innermost) = open.pop() {
            match innermost {
                Open::Parenthesis => {
                    self.expect(Kind::CloseParenthesis)?;
                    self.style.has_redundant_parentheses |= is_in_parentheses;
                    is_in_parentheses = !self.extend_operand(complete)?;
                }
                Open::Call { function, mut arguments } => {
                    arguments.push(complete);
                    if self.eat(Kind::Comma) {
                        open.push(Open::Call { function, arguments });
                        return Ok(None);
                    }
                    self.expect(Kind::CloseParenthesis)?;
                    complete = self.add(Operand::Call { function, arguments });
                    is_in_parentheses = false;
                }
            }
        }
        Ok(Some(complete))
    }

    /// Goes on with a path that stood in parentheses; `false` if it does not go on.
    ///
    /// DynamoDB: `(b.c).d` is a path in a condition, and a syntax error in an update (dynalite's tests).
    fn extend_operand(&mut self, id: OperandId) -> Result<bool, Fault> {
        let goes_on = matches!(self.peek(), Kind::Dot | Kind::OpenBracket);
        let is_welcome = self.keywords == condition::KEYWORDS;
        match &mut self.operands[id] {
            Operand::Path(path) if goes_on && is_welcome => {
                let mut path = std::mem::take(path);
                self.extend(&mut path)?;
                self.operands[id] = Operand::Path(path);
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests;
