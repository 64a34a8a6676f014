//! Why bytes of a client cannot be understood.

use model::NumberError;

/// Holds nothing of what the client sent but counts, so it may be logged and answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("the bytes end within a value")]
    Truncated,
    #[error("bytes are left behind the last value")]
    Trailing,
    #[error("longer than the limit of {max} bytes")]
    TooLarge { max: usize },
    #[error("more than {max} elements")]
    TooMany { max: usize },
    #[error("more values than a request can have")]
    TooMuch,
    // DynamoDB: in its words.
    #[error("Item size has exceeded the maximum allowed size")]
    ItemTooLarge,
    #[error("nested deeper than {max} levels")]
    TooDeep { max: usize },
    #[error("not CBOR as clients may send it")]
    NotCbor,
    #[error("another type of value than belongs here")]
    WrongType,
    #[error("text that is not UTF-8")]
    NotText,
    #[error("an attribute is there twice")]
    DuplicateAttribute,
    #[error(transparent)]
    Number(#[from] NumberError),
    #[error("not a number as sort keys have it")]
    LexDecimal,
    #[error("{values} values for a list of {names} attributes")]
    ValueCount { values: usize, names: usize },
    #[error("not an expression of a version that is known")]
    Expression,
    #[error("an expression has no operator {0}")]
    Opcode(i64),
    #[error("operator {opcode} with {found} operands")]
    Arity { opcode: i64, found: u64 },
    #[error("an expression refers to value {index} of {values}")]
    ValueIndex { index: u64, values: usize },
    #[error("an expression has more than {max} operators and operands")]
    TooManyNodes { max: usize },
}

impl From<minicbor::decode::Error> for Malformed {
    fn from(error: minicbor::decode::Error) -> Malformed {
        if error.is_end_of_input() {
            Malformed::Truncated
        } else if error.is_type_mismatch() || error.is_tag_mismatch() {
            Malformed::WrongType
        } else {
            Malformed::NotCbor
        }
    }
}
