//! What attribute values must be.
//!
//! DynamoDB: values are checked in one of two layers, and the operation decides which; each has words of its own. The
//! newer one came over the regions since the summer of 2026 (parity suite of DynamoDB, `valueLayers.test.ts`, captured
//! on 2026-10-09, and its `captures/cross-region-latest.json`). What was not seen of it is in the older words, which
//! are those of dynalite's tests.

use std::collections::HashSet;
use std::hash::Hash;

use base64::{Engine, prelude::BASE64_STANDARD as STANDARD};

use super::echo::{Style, echo, shown};
use super::shape::Shape;
use super::tree::Tree;
use crate::limits::{ATTRIBUTE_NAME_BYTES_MAX, NESTING_LEVELS_MAX};
use crate::{ApiError, Number, NumberError};

const EMPTY: &str = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
pub(super) const SEVERAL: &str = "Supplied AttributeValue has more than one datatypes set, must contain \
                                  exactly one of the supported datatypes";
const TOO_DEEP: &str = "Nesting Levels have exceeded supported limits: Attributes in the item have nested \
                        levels beyond supported limit";

/// Which layer of the service looks at the values of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// Of Scan, BatchWriteItem and the parameters of PartiQL statements.
    Older,
    /// Of all others. Transactions went over last, eu-west-2 being the first of the large regions (2026-10-08).
    Newer,
    /// The same, saying what is wrong as it says what violates the service model: of PutItem, UpdateItem and
    /// DeleteItem.
    NewerCounting,
}

impl Layer {
    fn says(self, fault: Fault) -> ApiError {
        match fault {
            Fault::Form(fault) => ApiError::validation(fault),
            Fault::Content(fault) => self.refuses(fault),
        }
    }

    /// What is wrong, as this layer says it.
    pub(super) fn refuses(self, fault: impl Into<String>) -> ApiError {
        let fault = fault.into();
        ApiError::validation(match self {
            Layer::Older | Layer::Newer => fault,
            Layer::NewerCounting => format!("1 validation error detected: {fault}"),
        })
    }
}

/// What is wrong with a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is of no type, or of several, or deeper than anybody reads. Both layers say that alike.
    Form(&'static str),
    /// It is not what a value of its type is.
    Content(String),
}

impl Fault {
    fn text(&self) -> &str {
        match self {
            Fault::Form(fault) => fault,
            Fault::Content(fault) => fault,
        }
    }
}

/// A whole item or a key: names and values.
pub(super) fn check_item(item: Option<&Tree>, layer: Layer) -> Result<(), ApiError> {
    let attributes = item.map(Tree::members).unwrap_or_default();
    // DynamoDB: an empty name is said before any value (conformance suite, order of a transaction's faults).
    attributes.iter().try_for_each(|(name, _)| check_name(name))?;
    attributes.iter().try_for_each(|(_, value)| check(value, layer).map_err(|fault| layer.says(fault)))
}

/// The name of an attribute.
pub(super) fn check_name(name: &str) -> Result<(), ApiError> {
    match name.len() {
        0 => Err(ApiError::validation("Empty attribute name")),
        1..=ATTRIBUTE_NAME_BYTES_MAX => Ok(()),
        _ => Err(ApiError::validation("Attribute name is too large, must be less than 65536 bytes")),
    }
}

/// One value, if it is there.
pub(super) fn check_value(value: Option<&Tree>, layer: Layer) -> Result<(), ApiError> {
    value.map_or(Ok(()), |value| check(value, layer).map_err(|fault| layer.says(fault)))
}

/// ExpressionAttributeValues.
///
/// DynamoDB: before that come faults of the placeholders themselves, which are found where they are bound. The newer
/// layer does not name the placeholder.
pub(super) fn check_placeholders(values: Option<&Tree>, layer: Layer) -> Result<(), ApiError> {
    values.map(Tree::members).unwrap_or_default().iter().try_for_each(|(key, value)| {
        check(value, layer).map_err(|fault| match (&fault, layer) {
            (Fault::Content(_), Layer::Newer | Layer::NewerCounting) => layer.says(fault),
            _ => ApiError::validation(format!(
                "ExpressionAttributeValues contains invalid value: {} for key {}",
                fault.text(),
                shown(key)
            )),
        })
    })
}

/// The parameters of a PartiQL statement.
pub(super) fn check_parameters(parameters: Option<&Tree>) -> Result<(), String> {
    let parameters = parameters.map(Tree::elements).unwrap_or_default();
    parameters
        .iter()
        .try_for_each(|value| check(value, Layer::Older).map_err(|fault| fault.text().to_owned()))
}

/// ExclusiveStartKey.
pub(super) fn check_start_key(key: Option<&Tree>, layer: Layer) -> Result<(), ApiError> {
    key.map(Tree::members).unwrap_or_default().iter().try_for_each(|(_, value)| {
        check(value, layer).map_err(|fault| {
            let fault = fault.text();
            // DynamoDB: some faults come with this in front and some without; there is no telling why.
            let bare =
                ["contains duplicates", "number set", "numeric value", "significant digits", "magnitude"];
            ApiError::validation(match bare.iter().any(|words| fault.contains(words)) {
                true => fault.to_owned(),
                false => format!("The provided starting key is invalid: {fault}"),
            })
        })
    })
}

/// The first fault of a value that has the form of one.
pub(super) fn check(value: &Tree, layer: Layer) -> Result<(), Fault> {
    check_at(value, 1, layer)
}

/// An attribute's value is at level 1, what is in a list or map one below it.
fn check_at(value: &Tree, level: usize, layer: Layer) -> Result<(), Fault> {
    if level > NESTING_LEVELS_MAX || *value == Tree::TooDeep {
        return Err(too_deep(value));
    }
    for (kind, content) in value.members() {
        check_kind(kind, content, level, layer)?;
    }
    match value.members().len() {
        0 => Err(Fault::Form(EMPTY)),
        1 => Ok(()),
        _ => Err(Fault::Form(SEVERAL)),
    }
}

fn check_kind(kind: &str, content: &Tree, level: usize, layer: Layer) -> Result<(), Fault> {
    let below = |each: &Tree| check_at(each, level + 1, layer);
    match (kind, content) {
        ("N", Tree::Text(text)) => number(text, layer).map(drop),
        ("NULL", Tree::Bool(false)) => Err(invalid("Null attribute value types must have the value of true")),
        ("SS" | "NS" | "BS", Tree::List(elements)) => check_set(kind, elements, content, layer),
        ("L" | "M", _) if level == NESTING_LEVELS_MAX => Err(too_deep(content)),
        ("L", Tree::List(elements)) => elements.iter().try_for_each(below),
        ("M", Tree::Object(members)) => members.iter().try_for_each(|(_, each)| below(each)),
        _ => Ok(()),
    }
}

/// DynamoDB: what is far too deep is refused by somebody else, who counts nothing and names placeholders (conformance
/// suite, "Nesting depth").
fn too_deep(value: &Tree) -> Fault {
    match value.is_cut_off() {
        true => Fault::Form(TOO_DEEP),
        false => Fault::Content(TOO_DEEP.to_owned()),
    }
}

fn invalid(fault: &str) -> Fault {
    Fault::Content(format!("One or more parameter values were invalid: {fault}"))
}

fn check_set(kind: &str, elements: &[Tree], set: &Tree, layer: Layer) -> Result<(), Fault> {
    if elements.is_empty() {
        return Err(invalid(match kind {
            // DynamoDB: with two blanks.
            "SS" => "An string set  may not be empty",
            "NS" => "An number set  may not be empty",
            _ => "Binary sets should not be empty",
        }));
    }
    // What DynamoDB says of a null in a set was not seen.
    if elements.contains(&Tree::Null) {
        return Err(Fault::Form(EMPTY));
    }
    let texts: Vec<&str> = elements.iter().filter_map(Tree::text).collect();
    let twice = match kind {
        "NS" => {
            let numbers = texts.iter().map(|text| number(text, layer)).collect::<Result<Vec<_>, _>>()?;
            first_repeated(&numbers)
        }
        // The text of a binary is canonical.
        _ => first_repeated(&texts),
    };
    let Some(twice) = twice else { return Ok(()) };
    let as_sent = || echo(set, &Shape::List(&Shape::String(&[]), &[]), Style::Java);
    Err(match (kind, layer) {
        ("SS", Layer::Older) => invalid(&format!("Input collection {} contains duplicates.", as_sent())),
        ("BS", Layer::Older) => {
            invalid(&format!("Input collection {}of type BS contains duplicates.", as_sent()))
        }
        (_, Layer::Older) => Fault::Content("Input collection contains duplicates".to_owned()),
        ("SS", _) => {
            let all = quoted(&texts, twice, |text| text.as_bytes().to_vec(), ", ");
            invalid(&format!("Input collection {all} contains duplicates."))
        }
        ("BS", _) => {
            let all = quoted(&texts, twice, |text| STANDARD.decode(text).unwrap_or_default(), ",");
            invalid(&format!("Input collection {all}of type BS contains duplicates."))
        }
        _ => invalid("Input collection contains duplicates."),
    })
}

/// Where the first element stands that stood there before.
fn first_repeated<T: Eq + Hash>(elements: &[T]) -> Option<usize> {
    let mut seen = HashSet::new();
    elements.iter().position(|element| !seen.insert(element))
}

/// The elements of a set in quotation marks.
///
/// DynamoDB: those in front of the one that is repeated in the order of their bytes, the rest as they came.
fn quoted(texts: &[&str], twice: usize, bytes: impl Fn(&str) -> Vec<u8>, between: &str) -> String {
    let (sorted, rest) = texts.split_at(twice);
    let mut sorted = sorted.to_vec();
    sorted.sort_by_cached_key(|text| bytes(text));
    let all = sorted.iter().chain(rest).map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join(between);
    format!("[{}]", shown(&all))
}

fn number(text: &str, layer: Layer) -> Result<Number, Fault> {
    let parsed = match layer {
        Layer::Older => parse_as_java(text),
        Layer::Newer | Layer::NewerCounting => Number::parse(text),
    };
    parsed.map_err(|error| {
        Fault::Content(match (error, layer) {
            (NumberError::NotANumber, Layer::Older) if text.is_empty() => error.to_string(),
            (NumberError::NotANumber, _) => format!("{error}: {}", shown(text)),
            (NumberError::TooManyDigits | NumberError::Overflow | NumberError::Underflow, _) => {
                error.to_string()
            }
        })
    })
}

/// DynamoDB: here the exponent has 32 bits, and so have the digits behind the point less the exponent, and the digits
/// before it: these start again at the bottom if they are too many (conformance suite, numbers as parameters; "Number
/// values - messages by operation").
fn parse_as_java(text: &str) -> Result<Number, NumberError> {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let exponent: i64 = exponent.parse::<i32>().map_err(|_| NumberError::NotANumber)?.into();
    if i32::try_from(fraction.len() as i64 - exponent).is_err() {
        return Err(NumberError::NotANumber);
    }
    if whole.len() as i64 + exponent > i64::from(i32::MAX) {
        return Err(NumberError::Underflow);
    }
    Number::parse(text)
}
