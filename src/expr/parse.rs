//! Tokens to trees. No recursion: a path is a loop, and so is a list of paths.

use model::limits::EXPRESSION_BYTES_MAX;

use crate::ExprError;
use crate::ast::{Name, Path, Step};
use crate::token::{Token, Tokens};

/// DynamoDB: 4294967295 was seen refused as "not within the allowable range", 4294967294 was not.
const LIST_INDEX_MAX: u32 = u32::MAX - 1;

pub(crate) fn projection(text: &str) -> Result<Vec<Path<'_>>, ExprError> {
    match text.len() {
        0 => return Err(ExprError::Empty),
        length if length > EXPRESSION_BYTES_MAX => return Err(ExprError::TooLong),
        _ => {}
    }
    let mut tokens = Tokens::of(text);
    let mut paths = vec![vec![member(&mut tokens)?]];
    loop {
        let at = tokens.position();
        let path = paths.last_mut().expect("there is a path from the start");
        match tokens.next()? {
            Some(Token::Dot) => path.push(member(&mut tokens)?),
            Some(Token::Open) => path.push(index(&mut tokens)?),
            Some(Token::Comma) => paths.push(vec![member(&mut tokens)?]),
            None => return Ok(paths),
            Some(_) => return Err(ExprError::Syntax { at }),
        }
    }
}

fn member<'a>(tokens: &mut Tokens<'a>) -> Result<Step<'a>, ExprError> {
    let at = tokens.position();
    match tokens.next()? {
        Some(Token::Name(name)) => Ok(Step::Member(Name::Bare(name))),
        Some(Token::Placeholder(name)) => Ok(Step::Member(Name::Placeholder(name))),
        _ => Err(ExprError::Syntax { at }),
    }
}

/// What follows an opening bracket.
fn index<'a>(tokens: &mut Tokens<'a>) -> Result<Step<'a>, ExprError> {
    let at = tokens.position();
    let Some(Token::Digits(digits)) = tokens.next()? else { return Err(ExprError::Syntax { at }) };
    let end = tokens.position();
    let Some(Token::Close) = tokens.next()? else { return Err(ExprError::Syntax { at: end }) };
    match digits.parse() {
        Ok(index @ ..=LIST_INDEX_MAX) => Ok(Step::Index(index)),
        _ => Err(ExprError::IndexOutOfRange { at }),
    }
}
