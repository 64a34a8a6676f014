//! PartiQL, as a front end to the same conditions, updates and items that the other calls are made of.
//!
//! The walk: text → `token` → `parse` → `syntax` → `lower` → [`Statement`]. A statement knows no tables: which
//! items its condition can be true of is [`Branch`]'s answer, given the names of a key.

mod branches;
mod keywords;
mod lower;
mod parse;
mod selection;
mod syntax;
#[cfg(test)]
mod tests;
mod token;

use std::fmt;

use model::{AttributeValue, Item, NumberError};

pub use self::branches::Branch;
pub use self::selection::Selection;
pub use self::token::Place;
use crate::{Condition, Fault, Update};

/// A statement, its parameters put in.
#[derive(Clone, Debug)]
pub enum Statement {
    Select(SelectStatement),
    Insert(InsertStatement),
    Update(UpdateStatement),
    Delete(DeleteStatement),
    /// `EXISTS(SELECT …)`: the condition check of a transaction.
    Exists(SelectStatement),
}

/// `SELECT`.
#[derive(Clone, Debug)]
pub struct SelectStatement {
    pub table: String,
    pub index: Option<String>,
    /// Without one, whole items.
    pub selection: Option<Selection>,
    pub condition: Option<Condition>,
    pub order: Vec<OrderBy>,
}

/// A term of `ORDER BY`.
#[derive(Clone, Debug)]
pub struct OrderBy {
    pub attribute: String,
    pub is_descending: bool,
}

/// `INSERT`.
#[derive(Clone, Debug)]
pub struct InsertStatement {
    pub table: String,
    pub item: Item,
}

/// `UPDATE`.
#[derive(Clone, Debug)]
pub struct UpdateStatement {
    pub table: String,
    pub update: Update,
    pub condition: Option<Condition>,
    pub returning: Option<Returning>,
}

/// `DELETE`.
#[derive(Clone, Debug)]
pub struct DeleteStatement {
    pub table: String,
    pub condition: Option<Condition>,
    /// Always [`Returning::AllOld`], if anything.
    pub returning: Option<Returning>,
}

/// `RETURNING`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returning {
    AllOld,
    AllNew,
    ModifiedOld,
    ModifiedNew,
}

impl Statement {
    /// Reads a statement, and puts its parameters in. More of them than it has are left alone.
    ///
    /// # Errors
    /// The fault that DynamoDB reports of it without looking for its table.
    pub fn parse(text: &str, parameters: &[AttributeValue]) -> Result<Statement, StatementFault> {
        let (statement, wanted) = parse::statement(text)?;
        // DynamoDB: too many were seen accepted by DynamoDB local (recorded for dbimp's driver); moto refuses them.
        if wanted > parameters.len() {
            return Err(StatementFault::ParameterCount);
        }
        lower::statement(statement, parameters)
    }

    /// Name or ARN of its table.
    pub fn table(&self) -> &str {
        match self {
            Statement::Select(select) | Statement::Exists(select) => &select.table,
            Statement::Insert(insert) => &insert.table,
            Statement::Update(update) => &update.table,
            Statement::Delete(delete) => &delete.table,
        }
    }

    /// What it wants to see of what it wrote.
    pub fn returning(&self) -> Option<Returning> {
        match self {
            Statement::Update(update) => update.returning,
            Statement::Delete(delete) => delete.returning,
            Statement::Select(_) | Statement::Insert(_) | Statement::Exists(_) => None,
        }
    }
}

/// What is wrong with a statement, in DynamoDB's words.
///
/// DynamoDB: the words are those of the conformance suite and of the public strings of DynamoDB local.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementFault {
    #[error("Statement wasn't well formed, can't be processed: {0}")]
    Syntax(&'static str),
    /// DynamoDB: nothing behind the colon, where there is no saying what is wrong.
    #[error("Statement wasn't well formed, can't be processed: ")]
    NotWellFormed,
    #[error("Number of parameters in request and statement don't match.")]
    ParameterCount,
    #[error("Aliasing is not supported")]
    Alias,
    #[error("Other attributes should not be present in the projection when '*' is used.")]
    StarAndOthers,
    #[error("Only select from a single table or index is supported.")]
    SeveralSources,
    #[error("Unsupported clause: {clause} at {place}")]
    UnsupportedClause { clause: &'static str, place: Place },
    #[error("Unsupported operation: {0}")]
    Operation(&'static str),
    #[error(
        "Unsupported operation: Inserting multiple items in a single statement is not supported, use \
         \"INSERT INTO tableName VALUE item\" instead"
    )]
    SeveralItems,
    #[error(
        "Unsupported format in item expression. Please use struct format {{...}} to express item values for \
         insert statement."
    )]
    ItemSyntax,
    #[error("Empty attribute name")]
    EmptyName,
    #[error("AT is not supported in insert statements.")]
    AtInInsert,
    #[error("RETURNING is not supported in INSERT")]
    ReturningInInsert,
    #[error("Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause")]
    ReturningSyntax,
    #[error("Invalid syntax with multiple returning elements in RETURNING clause")]
    ReturningSeveral,
    #[error(
        "Invalid returning clause: RETURNING {0} *. Only RETURNING ALL OLD * is allowed in DELETE statements."
    )]
    ReturningInDelete(Returning),
    #[error("Path component cannot be an empty string")]
    EmptyComponent,
    #[error("A path may contain at most 2 components in the FROM clause")]
    TooManyComponents,
    #[error("FROM clause may only contain a single table name in data manipulation statements at {0}")]
    IndexInInsert(Place),
    #[error("This operation is not supported on an index")]
    IndexInWrite,
    #[error("Unpivot path components like a.*.b are not supported")]
    Unpivot,
    #[error("Wildcard path component like a[*].b are not supported")]
    Wildcard,
    #[error("Unexpected path component at {0}")]
    UnexpectedComponent(Place),
    #[error("Duplicate identifiers in select clause: {0}")]
    DuplicateColumn(String),
    #[error("Argument to ORDER BY must be of type VariableReference. Type: {0}")]
    OrderOf(&'static str),
    #[error("WHERE clause must contain an expression that resolves to a boolean")]
    NoCondition,
    #[error("The arguments to AND/OR must be Expressions")]
    Joined,
    #[error("The argument to NOT must be a Type or Expression")]
    Negated,
    #[error("MISSING must be compared using IS operator")]
    Missing,
    #[error("The left hand side argument to IS must be a Variable Reference, Literal, or Path")]
    IsOperand,
    #[error(
        "Unsupported data type for IS operator: {0}. Supported data types are [MISSING, NULL, BOOLEAN, BLOB, \
         STRING, NUMERIC, STRUCT, TUPLE, LIST]"
    )]
    IsType(String),
    #[error(
        "IN operator must have a left hand argument of type Variable Reference and right hand argument of type \
         Seq with at least one member"
    )]
    InOperands,
    #[error("Unrecognized function: {function} at {place}")]
    UnknownFunction { function: String, place: Place },
    #[error("Unsupported operator in Condition Expression. Operator: {0}")]
    ConditionOperator(&'static str),
    #[error("Unsupported operator in Update Expression. Operator: {0}")]
    UpdateOperator(&'static str),
    #[error("Unrecognized assignment target: {0}")]
    Target(&'static str),
    #[error("SET_{action} must have exactly two arguments at {place}")]
    SetArguments { action: &'static str, place: Place },
    #[error("The first argument to SET_{action} must equal the assignment value at {place}")]
    SetTarget { action: &'static str, place: Place },
    /// DynamoDB: the place is that of the first argument (conformance suite, functions).
    #[error("The second argument to SET_{action} must be a value with type SET at {place}")]
    SetValue { action: &'static str, place: Place },
    #[error("Empty bags are not supported")]
    EmptyBag,
    #[error("Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags")]
    BagType,
    /// DynamoDB: as for the sets of an item.
    #[error("One or more parameter values were invalid: Input collection [{}] contains duplicates.", .0.join(", "))]
    BagDuplicates(Vec<String>),
    #[error("Input collection contains duplicates")]
    NumberBagDuplicates,
    #[error("Duplicate keys in tuple. Key: {key} under {under}")]
    DuplicateKey { key: String, under: String },
    #[error("Tuple keys must be of type String. Actual type: {found} under {under}")]
    KeyType { found: &'static str, under: String },
    #[error("Unsupported data type: {found} under key {under}")]
    ValueType { found: &'static str, under: String },
    #[error("Unsupported data type: {function} under key {under} at {place}")]
    CalledValue { function: String, under: String, place: Place },
    #[error("{error} under {under}")]
    Number { error: NumberError, under: String },
    #[error(
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond \
         supported limit"
    )]
    TooDeep,
    #[error(transparent)]
    Expression(#[from] Fault),
}

impl Returning {
    fn parse(words: &str) -> Option<Returning> {
        [Returning::AllOld, Returning::AllNew, Returning::ModifiedOld, Returning::ModifiedNew]
            .into_iter()
            .find(|returning| returning.to_string() == words)
    }
}

impl fmt::Display for Returning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Returning::AllOld => "ALL OLD",
            Returning::AllNew => "ALL NEW",
            Returning::ModifiedOld => "MODIFIED OLD",
            Returning::ModifiedNew => "MODIFIED NEW",
        })
    }
}
