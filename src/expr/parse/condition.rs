//! Conditions, filters and key conditions: one grammar.
//!
//! DynamoDB: comparisons bind tighter than NOT, that tighter than AND, that tighter than OR; and the whole of
//! this grammar is open to key conditions, which are cut down later.

use super::Parser;
use crate::Fault;
use crate::ast::{Comparator, ConditionTree, Node, NodeId, Operand, OperandId};
use crate::token::Kind;

pub(super) const KEYWORDS: &[&str] = &["AND", "OR", "NOT", "BETWEEN", "IN"];

pub(crate) fn condition(text: &str) -> Result<ConditionTree<'_>, Fault> {
    let mut conditions =
        Conditions { parser: Parser::new(text, KEYWORDS)?, nodes: Vec::new(), pending: Vec::new() };
    conditions.read()?;
    let Parser { operands, style, .. } = conditions.parser;
    Ok(ConditionTree { operands, nodes: conditions.nodes, style })
}

struct Conditions<'a> {
    parser: Parser<'a>,
    nodes: Vec<Node>,
    /// What waits for the condition that is being read.
    pending: Vec<Pending>,
}

enum Pending {
    Parenthesis,
    Not,
    And(NodeId),
    Or(NodeId),
}

/// What was read last. An opening parenthesis does not say whether an operand or a condition stands in it.
#[derive(Clone, Copy)]
struct Piece {
    what: What,
    is_in_parentheses: bool,
}

#[derive(Clone, Copy)]
enum What {
    Operand(OperandId),
    Condition(NodeId),
}

/// What comes behind a piece.
enum Next {
    /// The piece was only the beginning of this one.
    Became(Piece),
    /// It waits for another condition.
    Another,
    /// Nothing: the root is complete.
    Whole,
}

impl Piece {
    fn new(what: What) -> Piece {
        Piece { what, is_in_parentheses: false }
    }
}

impl Conditions<'_> {
    fn read(&mut self) -> Result<(), Fault> {
        loop {
            let mut piece = self.begin()?;
            loop {
                match self.go_on(piece)? {
                    Next::Became(more) => piece = more,
                    Next::Another => break,
                    Next::Whole => return Ok(()),
                }
            }
        }
    }

    /// To the first operand of what begins here.
    fn begin(&mut self) -> Result<Piece, Fault> {
        loop {
            if self.parser.eat(Kind::OpenParenthesis) {
                self.pending.push(Pending::Parenthesis);
            } else if self.parser.eat_keyword("NOT") {
                self.parser.style.operators += 1;
                self.pending.push(Pending::Not);
            } else {
                return Ok(Piece::new(What::Operand(self.parser.operand()?)));
            }
        }
    }

    fn go_on(&mut self, piece: Piece) -> Result<Next, Fault> {
        if let What::Operand(operand) = piece.what {
            if piece.is_in_parentheses && self.parser.extend_operand(operand)? {
                return Ok(Next::Became(Piece::new(piece.what)));
            }
            if let Some(test) = self.test(operand)? {
                return Ok(Next::Became(Piece::new(What::Condition(self.add(test)))));
            }
        }
        if self.parser.peek() == Kind::CloseParenthesis {
            return self.close(piece).map(Next::Became);
        }
        let condition = self.as_condition(piece)?;
        if self.parser.eat_keyword("AND") {
            let left = self.reduce(condition, |pending| matches!(pending, Pending::Not | Pending::And(_)));
            self.pending.push(Pending::And(left));
        } else if self.parser.eat_keyword("OR") {
            let left = self.reduce(condition, |pending| !matches!(pending, Pending::Parenthesis));
            self.pending.push(Pending::Or(left));
        } else {
            self.reduce(condition, |pending| !matches!(pending, Pending::Parenthesis));
            self.parser.end()?;
            // An open parenthesis is a fault of the end.
            return if self.pending.is_empty() { Ok(Next::Whole) } else { Err(self.parser.unexpected()) };
        }
        self.parser.style.operators += 1;
        Ok(Next::Another)
    }

    /// A comparison that goes on behind its first operand, if there is one.
    fn test(&mut self, first: OperandId) -> Result<Option<Node>, Fault> {
        let parser = &mut self.parser;
        let test = if let Some(comparator) = comparator(parser.peek()) {
            parser.next();
            Node::Compare(comparator, first, parser.operand()?)
        } else if parser.eat_keyword("BETWEEN") {
            let low = parser.operand()?;
            if !parser.eat_keyword("AND") {
                return Err(parser.unexpected());
            }
            Node::Between([first, low, parser.operand()?])
        } else if parser.eat_keyword("IN") {
            parser.expect(Kind::OpenParenthesis)?;
            let mut list = vec![parser.operand()?];
            while parser.eat(Kind::Comma) {
                list.push(parser.operand()?);
            }
            parser.expect(Kind::CloseParenthesis)?;
            Node::In(first, list)
        } else {
            return Ok(None);
        };
        parser.style.operators += 1;
        Ok(Some(test))
    }

    fn close(&mut self, piece: Piece) -> Result<Piece, Fault> {
        let stands_alone = matches!(self.pending.last(), Some(Pending::Parenthesis));
        let what = match piece.what {
            What::Operand(_) if stands_alone => piece.what,
            _ => {
                let condition = self.as_condition(piece)?;
                let within = self.reduce(condition, |pending| !matches!(pending, Pending::Parenthesis));
                What::Condition(within)
            }
        };
        if self.pending.pop().is_none() {
            return Err(self.parser.unexpected());
        }
        self.parser.expect(Kind::CloseParenthesis)?;
        self.parser.style.has_redundant_parentheses |= stands_alone && piece.is_in_parentheses;
        Ok(Piece { what, is_in_parentheses: true })
    }

    /// DynamoDB: of operands only a call can be a condition; whether that function can is asked later.
    fn as_condition(&mut self, piece: Piece) -> Result<NodeId, Fault> {
        match piece.what {
            What::Condition(node) => Ok(node),
            What::Operand(operand) if matches!(self.parser.operands[operand], Operand::Call { .. }) => {
                Ok(self.add(Node::Call(operand)))
            }
            What::Operand(_) => Err(self.parser.unexpected()),
        }
    }

    /// Completes what waits, from the innermost outwards.
    fn reduce(&mut self, mut complete: NodeId, binds: impl Fn(&Pending) -> bool) -> NodeId {
        while let Some(innermost) = self.pending.pop_if(|pending| binds(pending)) {
            complete = match innermost {
                Pending::Parenthesis => break,
                Pending::Not => self.add(Node::Not(complete)),
                Pending::And(left) => self.add(Node::And(left, complete)),
                Pending::Or(left) => self.add(Node::Or(left, complete)),
            };
        }
        complete
    }

    fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        self.nodes.len() - 1
    }
}

fn comparator(kind: Kind) -> Option<Comparator> {
    Some(match kind {
        Kind::Equal => Comparator::Equal,
        Kind::NotEqual => Comparator::NotEqual,
        Kind::Less => Comparator::Less,
        Kind::AtMost => Comparator::AtMost,
        Kind::More => Comparator::More,
        Kind::AtLeast => Comparator::AtLeast,
        _ => return None,
    })
}
