//! Projections: paths with commas between them.

use super::Parser;
use crate::Fault;
use crate::ast::Path;
use crate::token::Kind;

pub(crate) fn projection(text: &str) -> Result<Vec<Path<'_>>, Fault> {
    let mut parser = Parser::new(text, &[])?;
    let mut paths = vec![parser.path()?];
    while parser.eat(Kind::Comma) {
        paths.push(parser.path()?);
    }
    parser.end()?;
    Ok(paths)
}
