//! What can be wrong with an expression.

use model::limits::{EXPRESSION_BYTES_MAX, NESTING_LEVELS_MAX};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    #[error("the expression is empty")]
    Empty,
    #[error("the expression is longer than {EXPRESSION_BYTES_MAX} bytes")]
    TooLong,
    #[error("syntax error at byte {at}")]
    Syntax { at: usize },
    #[error("list index out of range at byte {at}")]
    IndexOutOfRange { at: usize },
    #[error("{0} is a reserved word")]
    ReservedWord(String),
    #[error("{0} is no placeholder for a name")]
    NotAPlaceholder(String),
    #[error("{0} stands for an empty name")]
    EmptyName(String),
    #[error("{0} is not defined")]
    UndefinedName(String),
    #[error("{0} is not used")]
    UnusedName(String),
    #[error("a document path has more than {NESTING_LEVELS_MAX} elements")]
    PathTooLong,
    #[error("two document paths overlap")]
    PathsOverlap,
    #[error("one document path takes for a map what another takes for a list")]
    PathsConflict,
    #[error("the list of attributes has a duplicate")]
    DuplicateAttribute,
    #[error("the list of attributes is longer than {max}")]
    TooManyAttributes { max: usize },
}
