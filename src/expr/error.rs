//! What can be wrong with an expression, in DynamoDB's own words: `Display` is the message a client sees.
//!
//! All of it answers as a ValidationException. An [`ExprError`] comes from the request alone, before any item
//! or (but for key conditions bound to a key) any table was looked at; an [`EvalError`] from a request and an
//! item. Conditions, filters and projections cannot fail on an item.

use std::fmt;

/// The parameter an expression came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpressionKind {
    Condition,
    Filter,
    KeyCondition,
    Projection,
    Update,
}

impl fmt::Display for ExpressionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ExpressionKind::Condition => "ConditionExpression",
            ExpressionKind::Filter => "FilterExpression",
            ExpressionKind::KeyCondition => "KeyConditionExpression",
            ExpressionKind::Projection => "ProjectionExpression",
            ExpressionKind::Update => "UpdateExpression",
        })
    }
}

/// A fault of a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    /// One expression, looked at alone.
    #[error("Invalid {kind}: {fault}")]
    Invalid { kind: ExpressionKind, fault: Fault },
    /// What the placeholders stand for.
    #[error(transparent)]
    Placeholder(#[from] PlaceholderFault),
    /// A key condition, new or old.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// A parameter from before there were expressions.
    #[error(transparent)]
    Legacy(#[from] LegacyFault),
}

/// What is wrong with one expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("The expression can not be empty;")]
    Empty,
    #[error("Expression size has exceeded the maximum allowed size; expression size: {bytes}")]
    TooLong { bytes: usize },
    /// DynamoDB: not how large it is (conformance suite, "Deep requests - TransactWriteItems action order").
    #[error("Expression size has exceeded the maximum allowed size;")]
    UpdateTooLong,
    #[error("Syntax error; token: \"{token}\", near: \"{near}\"")]
    Syntax { token: String, near: String },
    #[error("The expression has redundant parentheses;")]
    RedundantParentheses,
    #[error("The expression contains too many operators; operator count: {count}")]
    TooManyOperators { count: usize },
    #[error("Invalid function name; function: {0}")]
    UnknownFunction(String),
    #[error("The function is not allowed in a condition expression; function: {0}")]
    NoConditionFunction(String),
    #[error("The function is not allowed in an update expression; function: {0}")]
    NoUpdateFunction(String),
    #[error("The function is not allowed to be used this way in an expression; function: {0}")]
    MisplacedFunction(String),
    #[error("Attribute name is a reserved keyword; reserved keyword: {0}")]
    ReservedWord(String),
    #[error("List index is not within the allowable range; index: [{0}]")]
    IndexOutOfRange(String),
    #[error("The \"{0}\" section can only be used once in an update expression;")]
    SectionTwice(&'static str),
    #[error("An expression attribute name used in the document path is not defined; attribute name: {0}")]
    UndefinedName(String),
    #[error("An expression attribute value used in expression is not defined; attribute value: {0}")]
    UndefinedValue(String),
    #[error("The document path has too many nesting levels; nesting levels: {levels}")]
    PathTooLong { levels: usize },
    #[error(
        "Two document paths overlap with each other; must remove or rewrite one of these paths; \
         path one: {one}, path two: {two}"
    )]
    PathsOverlap { one: String, two: String },
    #[error(
        "Two document paths conflict with each other; must remove or rewrite one of these paths; \
         path one: {one}, path two: {two}"
    )]
    PathsConflict { one: String, two: String },
    #[error(
        "Incorrect number of operands for operator or function; operator or function: {function}, \
         number of operands: {count}"
    )]
    OperandCount { function: String, count: usize },
    #[error(
        "The first operand must be distinct from the remaining operands for this operator or function; \
         operator: {operator}, first operand: {path}"
    )]
    SameOperands { operator: String, path: String },
    #[error(
        "Incorrect operand type for operator or function; operator or function: {operator}, \
         operand type: {found}"
    )]
    OperandType { operator: String, found: &'static str },
    /// DynamoDB: the last member is newer than most emulators (seen by Dynamoid's tests, for one).
    #[error(
        "Incorrect operand type for operator or function; operator: {action}, operand type: {found}, \
         typeSet: ALLOWED_FOR_{action}_OPERAND"
    )]
    ActionType { action: &'static str, found: &'static str },
    #[error("Operator or function requires a document path; operator or function: {0}")]
    NeedsPath(String),
    /// DynamoDB: the order of the types is that of a hash table, and differs from answer to answer.
    #[error("Invalid attribute type name found; type: {0}, valid types: {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}")]
    UnknownType(String),
    #[error("The IN operator is provided with too many operands; number of operands: {count}")]
    TooManyInOperands { count: usize },
    #[error(
        "The BETWEEN operator requires same data type for lower and upper bounds; \
         lower bound operand: AttributeValue: {low}, upper bound operand: AttributeValue: {high}"
    )]
    BoundsOfTwoTypes { low: String, high: String },
    #[error(
        "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; \
         lower bound operand: AttributeValue: {low}, upper bound operand: AttributeValue: {high}"
    )]
    BoundsReversed { low: String, high: String },
}

impl Fault {
    pub(crate) fn within(self, kind: ExpressionKind) -> ExprError {
        ExprError::Invalid { kind, fault: self }
    }
}

/// What is wrong with ExpressionAttributeNames or ExpressionAttributeValues.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceholderFault {
    #[error("ExpressionAttributeNames must not be empty")]
    NoNames,
    #[error("ExpressionAttributeValues must not be empty")]
    NoValues,
    #[error("ExpressionAttributeNames contains invalid key: Syntax error; key: \"{0}\"")]
    NotAName(String),
    #[error("ExpressionAttributeValues contains invalid key: Syntax error; key: \"{0}\"")]
    NotAValue(String),
    #[error(
        "ExpressionAttributeNames contains invalid key: \
         The expression attribute map contains a key that is too long; size of key: {bytes}"
    )]
    NameTooLong { bytes: usize },
    /// DynamoDB: unlike that for names, this one ends without the size (seen by ExtendDB's authors).
    #[error(
        "ExpressionAttributeValues contains invalid key: \
         The expression attribute map contains a key that is too long;"
    )]
    ValueTooLong,
    #[error("ExpressionAttributeNames contains invalid value: Empty attribute name for key {0}")]
    EmptyAttribute(String),
    #[error(
        "ExpressionAttributeNames contains invalid value: \
         Attribute name is too large, must be less than 65536 bytes for key {0}"
    )]
    AttributeTooLong(String),
    // DynamoDB: these three are worded as DynamoDB local words them.
    #[error("ExpressionAttributeNames exceeds max size")]
    NamesTooLarge,
    #[error("ExpressionAttributeValues exceeds max size")]
    ValuesTooLarge,
    #[error("Combined size of ExpressionAttributeNames and ExpressionAttributeValues exceeds max size")]
    TooLarge,
    #[error("Value provided in ExpressionAttributeNames unused in expressions: keys: {{{}}}", .0.join(", "))]
    UnusedNames(Vec<String>),
    #[error("Value provided in ExpressionAttributeValues unused in expressions: keys: {{{}}}", .0.join(", "))]
    UnusedValues(Vec<String>),
}

/// What is wrong with a key condition, or with what other expressions do with key attributes.
///
/// DynamoDB: the sentences that begin with `KeyConditionExpressions` once came without the parameter's name
/// in front, which dynalite's tests still want; the service has been seen with it since (dynoxide's
/// changelog, "captured in eu-west-2"; amplify-category-api pull request 3531).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    #[error("Invalid operator used in KeyConditionExpression: {0}")]
    Operator(&'static str),
    #[error(
        "Invalid condition in KeyConditionExpression: \
         {0} operator must have the key attribute as its first operand"
    )]
    NotFirst(&'static str),
    #[error("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")]
    SeveralAttributes,
    #[error("Invalid condition in KeyConditionExpression: No key attribute specified")]
    NoAttribute,
    #[error("Invalid KeyConditionExpression: KeyConditionExpressions cannot contain nested operations")]
    NestedOperation,
    #[error(
        "Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes"
    )]
    NestedAttribute,
    #[error(
        "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key"
    )]
    Twice,
    #[error("Conditions can be of length 1 or 2 only")]
    None,
    /// DynamoDB: so since keys can have more than two attributes (nubo-db/dynamodb-conformance, "Query -
    /// KeyConditionExpression operand types", October 2026).
    #[error(
        "The number of query conditions ({asked}) exceeds the number of key attributes defined in the schema \
         ({attributes})"
    )]
    TooMany { asked: usize, attributes: usize },
    #[error("Query condition missed key schema element: {0}")]
    Missed(String),
    #[error("Query key condition not supported")]
    NotSupported,
    /// DynamoDB: only where a sort key has several attributes (nubo-db/dynamodb-conformance, "Query - GSI with
    /// a multi-attribute key", October 2026). That several are named with commas is a guess by its plural.
    #[error(
        "RANGE key attributes {} must have equality conditions specified in the query because a condition is \
         present on key attribute {present}", .unequal.join(", ")
    )]
    NotEqualBefore { unequal: Vec<String>, present: String },
    #[error("Attempted conditional constraint is not an indexable operation")]
    NotIndexable,
    #[error("One or more parameter values were invalid: Condition parameter type does not match schema type")]
    WrongType,
    #[error(
        "One or more parameter values are not valid. \
         The AttributeValue for a key attribute cannot contain an empty {kind} value. Key: {attribute}"
    )]
    Empty { kind: &'static str, attribute: String },
    #[error("{parameter} can only contain non-primary key attributes: Primary key attribute: {attribute}")]
    Filtered { parameter: &'static str, attribute: String },
    #[error(
        "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: \
         {role}: {attribute}"
    )]
    NotScalar { role: KeyRole, attribute: String },
    #[error(
        "One or more parameter values were invalid: \
         Cannot update attribute {0}. This attribute is part of the key"
    )]
    Updated(String),
}

/// Whose key an attribute belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRole {
    Table,
    Index,
}

impl fmt::Display for KeyRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyRole::Table => "Key",
            KeyRole::Index => "IndexKey",
        })
    }
}

/// What is wrong with a parameter from before there were expressions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LegacyFault {
    #[error(
        "One or more parameter values were invalid: \
         Invalid number of argument(s) for the {0} ComparisonOperator"
    )]
    ArgumentCount(&'static str),
    #[error(
        "One or more parameter values were invalid: \
         AttributeValues inside AttributeValueList must be of same type"
    )]
    ArgumentsOfTwoTypes,
    #[error(
        "One or more parameter values were invalid: \
         ComparisonOperator {operator} is not valid for {found} AttributeValue type"
    )]
    ArgumentType { operator: &'static str, found: &'static str },
    #[error(
        "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
    )]
    BoundsReversed,
    #[error(
        "One or more parameter values were invalid: \
         Value and AttributeValueList cannot be used together for Attribute: {0}"
    )]
    ValueAndList(String),
    #[error(
        "One or more parameter values were invalid: \
         Exists and ComparisonOperator cannot be used together for Attribute: {0}"
    )]
    ExistsAndOperator(String),
    #[error(
        "One or more parameter values were invalid: \
         Value or AttributeValueList must be used with ComparisonOperator: {operator} \
         for Attribute: {attribute}"
    )]
    OperatorAlone { operator: &'static str, attribute: String },
    #[error(
        "One or more parameter values were invalid: \
         AttributeValueList can only be used with a ComparisonOperator for Attribute: {0}"
    )]
    ListAlone(String),
    #[error(
        "One or more parameter values were invalid: \
         Value must be provided when Exists is {exists} for Attribute: {attribute}"
    )]
    ExistsAlone { exists: &'static str, attribute: String },
    #[error(
        "One or more parameter values were invalid: \
         Value cannot be used when Exists is false for Attribute: {0}"
    )]
    ValueThoughAbsent(String),
    #[error("ConditionalOperator cannot be used without Filter or Expected")]
    OperatorWithoutConditions,
    #[error("ConditionalOperator can only be used when Filter or Expected has two or more elements")]
    OperatorForOneCondition,
    #[error(
        "One or more parameter values were invalid: \
         Only DELETE action is allowed when no attribute value is specified"
    )]
    ActionWithoutValue,
    #[error(
        "One or more parameter values were invalid: \
         DELETE action with value is not supported for the type {0}"
    )]
    DeleteType(&'static str),
    #[error("One or more parameter values were invalid: ADD action is not supported for the type {0}")]
    AddType(&'static str),
    #[error(
        "1 validation error detected: Value '[]' at 'attributesToGet' failed to satisfy constraint: \
         Member must have length greater than or equal to 1"
    )]
    NoAttributes,
    #[error(
        "1 validation error detected: Value at 'attributesToGet' failed to satisfy constraint: \
         Member must have length less than or equal to {max}"
    )]
    TooManyAttributes { max: usize },
    #[error("Empty attribute name")]
    EmptyName,
    #[error("Attribute name is too large, must be less than 65536 bytes")]
    NameTooLong,
    #[error("One or more parameter values were invalid: Duplicate value in attribute name: {0}")]
    DuplicateAttribute(String),
}

/// Why an update cannot be applied to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    #[error("The document path provided in the update expression is invalid for update")]
    InvalidPath,
    #[error("The provided expression refers to an attribute that does not exist in the item")]
    NoSuchAttribute,
    #[error("An operand in the update expression has an incorrect data type")]
    OperandType,
    /// The same for AttributeUpdates.
    #[error("Type mismatch for attribute to update")]
    AttributeType,
    #[error("Number overflow. Attempting to store a number with magnitude larger than supported range")]
    NumberOverflow,
    #[error("Number underflow. Attempting to store a number with magnitude smaller than supported range")]
    NumberUnderflow,
    #[error(
        "Nesting Levels have exceeded supported limits: \
         Attributes in the item have nested levels beyond supported limit"
    )]
    TooDeep,
    /// What is written is already too much; whether the whole item is, the caller checks.
    #[error("Item size to update has exceeded the maximum allowed size")]
    TooLarge,
}
