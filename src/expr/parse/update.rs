//! Updates: sections, and in them actions with commas between them.

use super::Parser;
use crate::Fault;
use crate::ast::{Action, Operand, OperandId, Section, Sign, UpdateTree, Verb};
use crate::token::Kind;

const KEYWORDS: &[&str] = &["SET", "REMOVE", "ADD", "DELETE"];
const SECTIONS: [Section; 4] = [Section::Set, Section::Remove, Section::Add, Section::Delete];

pub(crate) fn update(text: &str) -> Result<UpdateTree<'_>, Fault> {
    let mut parser = Parser::new(text, KEYWORDS).map_err(|fault| match fault {
        Fault::TooLong { .. } => Fault::UpdateTooLong,
        other => other,
    })?;
    let mut actions = Vec::new();
    let mut seen = Vec::new();
    let mut repeated = None;
    loop {
        let section = section(&mut parser)?;
        if seen.contains(&section) {
            repeated = repeated.or(Some(section));
        }
        seen.push(section);
        actions.push(action(&mut parser, section)?);
        while parser.eat(Kind::Comma) {
            actions.push(action(&mut parser, section)?);
        }
        if parser.peek() == Kind::End {
            let Parser { operands, style, .. } = parser;
            return Ok(UpdateTree { operands, actions, repeated, style });
        }
    }
}

fn section(parser: &mut Parser<'_>) -> Result<Section, Fault> {
    let section = SECTIONS.into_iter().find(|section| parser.eat_keyword(section.as_str()));
    section.ok_or_else(|| parser.unexpected())
}

fn action<'a>(parser: &mut Parser<'a>, section: Section) -> Result<Action<'a>, Fault> {
    let path = parser.path()?;
    let verb = match section {
        Section::Set => {
            parser.expect(Kind::Equal)?;
            Verb::Set(assigned(parser)?)
        }
        Section::Remove => Verb::Remove,
        Section::Add => Verb::Add(parser.expect(Kind::ValuePlaceholder)?),
        Section::Delete => Verb::Delete(parser.expect(Kind::ValuePlaceholder)?),
    };
    Ok(Action { path, verb })
}

/// An operand or a sum of two.
///
/// DynamoDB: the sum may stand in parentheses, and so may each of its operands, but nothing else is a sum's
/// operand: `a + b + c` is a syntax error at the second plus.
fn assigned(parser: &mut Parser<'_>) -> Result<OperandId, Fault> {
    let mut open = 0;
    while parser.eat(Kind::OpenParenthesis) {
        open += 1;
    }
    let mut assigned = parser.operand()?;
    let mut is_in_parentheses = false;
    loop {
        if open > 0 && parser.eat(Kind::CloseParenthesis) {
            open -= 1;
            parser.style.has_redundant_parentheses |= is_in_parentheses;
            is_in_parentheses = true;
        } else if let Some(sign) = sign(parser, assigned) {
            parser.next();
            parser.style.operators += 1;
            let right = parser.operand()?;
            assigned = parser.add(Operand::Sum(sign, assigned, right));
            is_in_parentheses = false;
        } else if open > 0 {
            return Err(parser.unexpected());
        } else {
            return Ok(assigned);
        }
    }
}

fn sign(parser: &Parser<'_>, left: OperandId) -> Option<Sign> {
    match (parser.peek(), &parser.operands[left]) {
        (_, Operand::Sum(..)) => None,
        (Kind::Plus, _) => Some(Sign::Plus),
        (Kind::Minus, _) => Some(Sign::Minus),
        _ => None,
    }
}
