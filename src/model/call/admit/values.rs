//! What attribute values must be.
//!
//! DynamoDB: the words are those of dynalite's tests and of the conformance suite. Since the summer of 2026
//! some regions answer some operations in new words: within "1 validation error detected: ", with the
//! elements of a set quoted, without naming the placeholder. Here the older words are used throughout, which
//! are those of most regions, and never a mixture.

use std::collections::HashSet;

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

/// A whole item or a key: names and values.
pub(super) fn check_item(item: Option<&Tree>) -> Result<(), ApiError> {
    let attributes = item.map(Tree::members).unwrap_or_default();
    // DynamoDB: an empty name is said before any value (conformance suite, order of a transaction's faults).
    attributes.iter().try_for_each(|(name, _)| check_name(name))?;
    attributes.iter().try_for_each(|(_, value)| check(value).map_err(ApiError::validation))
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
pub(super) fn check_value(value: Option<&Tree>) -> Result<(), ApiError> {
    value.map_or(Ok(()), |value| check(value).map_err(ApiError::validation))
}

/// ExpressionAttributeValues.
///
/// DynamoDB: before that come faults of the placeholders themselves, which are found where they are bound.
pub(super) fn check_placeholders(values: Option<&Tree>) -> Result<(), ApiError> {
    values.map(Tree::members).unwrap_or_default().iter().try_for_each(|(key, value)| {
        check(value).map_err(|fault| {
            ApiError::validation(format!(
                "ExpressionAttributeValues contains invalid value: {fault} for key {}",
                shown(key)
            ))
        })
    })
}

/// The parameters of a PartiQL statement.
pub(super) fn check_parameters(parameters: Option<&Tree>) -> Result<(), String> {
    let parameters = parameters.map(Tree::elements).unwrap_or_default();
    parameters.iter().try_for_each(|value| check_at(value, 1, parameter_number))
}

/// ExclusiveStartKey.
pub(super) fn check_start_key(key: Option<&Tree>) -> Result<(), ApiError> {
    key.map(Tree::members).unwrap_or_default().iter().try_for_each(|(_, value)| {
        check(value).map_err(|fault| {
            // DynamoDB: some faults come with this in front and some without; there is no telling why.
            let bare =
                ["contains duplicates", "number set", "numeric value", "significant digits", "magnitude"];
            ApiError::validation(match bare.iter().any(|words| fault.contains(words)) {
                true => fault,
                false => format!("The provided starting key is invalid: {fault}"),
            })
        })
    })
}

/// The first fault of a value that has the form of one.
pub(super) fn check(value: &Tree) -> Result<(), String> {
    check_at(value, 1, number)
}

/// How the text of a number is read.
type ReadNumber = fn(&str) -> Result<Number, String>;

/// An attribute's value is at level 1, what is in a list or map one below it.
fn check_at(value: &Tree, level: usize, number: ReadNumber) -> Result<(), String> {
    if level > NESTING_LEVELS_MAX || *value == Tree::TooDeep {
        return Err(TOO_DEEP.to_owned());
    }
    for (kind, content) in value.members() {
        check_kind(kind, content, level, number)?;
    }
    match value.members().len() {
        0 => Err(EMPTY.to_owned()),
        1 => Ok(()),
        _ => Err(SEVERAL.to_owned()),
    }
}

fn check_kind(kind: &str, content: &Tree, level: usize, number: ReadNumber) -> Result<(), String> {
    match (kind, content) {
        ("N", Tree::Text(text)) => number(text).map(drop),
        ("NULL", Tree::Bool(false)) => Err(invalid("Null attribute value types must have the value of true")),
        ("SS" | "NS" | "BS", Tree::List(elements)) => check_set(kind, elements, content, number),
        ("L" | "M", _) if level == NESTING_LEVELS_MAX => Err(TOO_DEEP.to_owned()),
        ("L", Tree::List(elements)) => elements.iter().try_for_each(|each| check_at(each, level + 1, number)),
        ("M", Tree::Object(members)) => {
            members.iter().try_for_each(|(_, each)| check_at(each, level + 1, number))
        }
        _ => Ok(()),
    }
}

fn invalid(fault: &str) -> String {
    format!("One or more parameter values were invalid: {fault}")
}

fn check_set(kind: &str, elements: &[Tree], set: &Tree, number: ReadNumber) -> Result<(), String> {
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
        return Err(EMPTY.to_owned());
    }
    let texts = || elements.iter().filter_map(Tree::text);
    let has_duplicates = match kind {
        "NS" => {
            let numbers = texts().map(number).collect::<Result<Vec<_>, _>>()?;
            numbers.iter().collect::<HashSet<_>>().len() < numbers.len()
        }
        // The text of a binary is canonical.
        _ => texts().collect::<HashSet<_>>().len() < elements.len(),
    };
    let all = || echo(set, &Shape::List(&Shape::String(&[]), &[]), Style::Java);
    match (has_duplicates, kind) {
        (false, _) => Ok(()),
        (true, "SS") => Err(invalid(&format!("Input collection {} contains duplicates.", all()))),
        (true, "BS") => Err(invalid(&format!("Input collection {}of type BS contains duplicates.", all()))),
        (true, _) => Err("Input collection contains duplicates".to_owned()),
    }
}

fn number(text: &str) -> Result<Number, String> {
    Number::parse(text).map_err(|error| number_fault(error, text))
}

/// DynamoDB: of a parameter, the exponent has 32 bits, and so have the digits behind the point less the exponent,
/// and the digits before it: these start again at the bottom if they are too many (conformance suite, numbers as
/// parameters).
fn parameter_number(text: &str) -> Result<Number, String> {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let Ok(exponent) = exponent.parse::<i32>().map(i64::from) else {
        return Err(number_fault(NumberError::NotANumber, text));
    };
    if i32::try_from(fraction.len() as i64 - exponent).is_err() {
        return Err(number_fault(NumberError::NotANumber, text));
    }
    if whole.len() as i64 + exponent > i64::from(i32::MAX) {
        return Err(number_fault(NumberError::Underflow, text));
    }
    number(text)
}

fn number_fault(error: NumberError, text: &str) -> String {
    match error {
        NumberError::NotANumber if text.is_empty() => {
            "The parameter cannot be converted to a numeric value".to_owned()
        }
        NumberError::NotANumber => {
            format!("The parameter cannot be converted to a numeric value: {}", shown(text))
        }
        NumberError::TooManyDigits => {
            "Attempting to store more than 38 significant digits in a Number".to_owned()
        }
        NumberError::Overflow => "Number overflow. Attempting to store a number with magnitude larger than \
                                  supported range"
            .to_owned(),
        NumberError::Underflow => {
            "Number underflow. Attempting to store a number with magnitude smaller than \
                                   supported range"
                .to_owned()
        }
    }
}
