//! What a request's members are, and DynamoDB's words when they are something else.
//!
//! DynamoDB: the texts are those that dynalite's tests recorded from the service; they show the Java that
//! reads requests there. A member that is not known is ignored, and null is as good as absent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::constraint::Rule;
use super::tree::Tree;
use crate::ApiError;

/// What a member or an element is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    String(&'static [Rule]),
    Boolean,
    Integer(&'static [Rule]),
    Long(&'static [Rule]),
    Blob,
    List(&'static Shape, &'static [Rule]),
    Map(&'static Shape, &'static [Rule]),
    Structure(&'static Structure),
    /// One of the ten members that an attribute value can be.
    Value,
    /// Nobody here reads it.
    Anything,
}

/// The members of an object, in the order in which they are read and checked.
#[derive(Debug)]
pub(super) struct Structure {
    /// As its class is called.
    pub(super) name: &'static str,
    pub(super) members: &'static [Member],
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) is_required: bool,
}

pub(super) const fn optional(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, is_required: false }
}

pub(super) const fn required(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, is_required: true }
}

/// The members of an attribute value.
static VALUE: Structure = Structure {
    name: "AttributeValue",
    members: &[
        optional("S", Shape::String(&[])),
        optional("B", Shape::Blob),
        optional("N", Shape::String(&[])),
        optional("BOOL", Shape::Boolean),
        optional("NULL", Shape::Boolean),
        optional("BS", Shape::List(&Shape::Blob, &[])),
        optional("NS", Shape::List(&Shape::String(&[]), &[])),
        optional("SS", Shape::List(&Shape::String(&[]), &[])),
        optional("L", Shape::List(&Shape::Value, &[])),
        optional("M", Shape::Map(&Shape::Value, &[])),
    ],
};

/// Where a value stands: that decides between the words of two readers.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// The value of a structure's member.
    Member,
    /// In a list or a map.
    Element,
}

/// Makes a request of this structure, without what is not known or null.
///
/// # Errors
/// A SerializationException for the first member that is something else.
pub(super) fn fit(request: &mut Tree, structure: &Structure) -> Result<(), ApiError> {
    match request {
        Tree::Object(members) => fit_members(members, structure),
        // DynamoDB: no message, as for what is not JSON at all.
        _ => Err(ApiError::serialization("")),
    }
}

fn fit_members(members: &mut Vec<(String, Tree)>, structure: &Structure) -> Result<(), ApiError> {
    let place = |name: &str| structure.members.iter().position(|member| member.name == name);
    members.retain(|(name, value)| *value != Tree::Null && place(name).is_some());
    members.sort_by_key(|(name, _)| place(name));
    for (name, value) in members {
        let place = place(name).expect("only known members are left");
        fit_one(value, &structure.members[place].shape, Place::Member)?;
    }
    Ok(())
}

fn fit_one(tree: &mut Tree, shape: &Shape, place: Place) -> Result<(), ApiError> {
    match shape {
        // What becomes of a null in a list or map is said by the constraints.
        _ if *tree == Tree::Null => Ok(()),
        // Only what is in an attribute value can lie so deep, and its level is checked later.
        _ if *tree == Tree::TooDeep => Ok(()),
        Shape::Anything => Ok(()),
        Shape::String(_) => match tree {
            Tree::Text(_) => Ok(()),
            other => Err(unconvertible(other, shape)),
        },
        Shape::Boolean => fit_boolean(tree),
        Shape::Integer(_) | Shape::Long(_) => fit_integer(tree, shape),
        Shape::Blob => fit_blob(tree),
        Shape::List(of, _) => match tree {
            Tree::List(elements) => {
                elements.iter_mut().try_for_each(|element| fit_one(element, of, Place::Element))
            }
            Tree::Object(_) => Err(start_of_structure()),
            _ => Err(misplaced(shape, place)),
        },
        Shape::Map(of, _) => match tree {
            Tree::Object(members) => {
                members.iter_mut().try_for_each(|(_, value)| fit_one(value, of, Place::Element))
            }
            Tree::List(_) => Err(unrecognized_collection(shape)),
            _ => Err(misplaced(shape, place)),
        },
        Shape::Structure(structure) => fit_structure(tree, structure, shape, place),
        Shape::Value => fit_structure(tree, &VALUE, shape, place),
    }
}

fn fit_structure(
    tree: &mut Tree,
    structure: &Structure,
    shape: &Shape,
    place: Place,
) -> Result<(), ApiError> {
    match tree {
        Tree::Object(members) => fit_members(members, structure),
        Tree::List(_) => Err(unrecognized_collection(shape)),
        _ => Err(misplaced(shape, place)),
    }
}

/// DynamoDB: some words are as good as a boolean, in any case.
fn fit_boolean(tree: &mut Tree) -> Result<(), ApiError> {
    *tree = match tree {
        Tree::Bool(_) => return Ok(()),
        Tree::Text(text) => match text.to_ascii_uppercase().as_str() {
            "TRUE" | "1" | "YES" => Tree::Bool(true),
            "FALSE" | "0" | "NO" => Tree::Bool(false),
            _ => return Err(ApiError::serialization("Unexpected token received from parser")),
        },
        other => return Err(unconvertible(other, &Shape::Boolean)),
    };
    Ok(())
}

/// DynamoDB: a fraction is cut off. What is out of range goes to its end: no member's range reaches so far.
fn fit_integer(tree: &mut Tree, shape: &Shape) -> Result<(), ApiError> {
    let integer = match tree {
        Tree::Integer(integer) => *integer,
        Tree::Decimal(decimal) => *decimal as i64,
        other => return Err(unconvertible(other, shape)),
    };
    *tree = Tree::Integer(match shape {
        Shape::Integer(_) => integer.clamp(i32::MIN.into(), i32::MAX.into()),
        _ => integer,
    });
    Ok(())
}

fn fit_blob(tree: &Tree) -> Result<(), ApiError> {
    match tree {
        Tree::Text(text) if !text.len().is_multiple_of(4) => Err(ApiError::serialization(format!(
            "Base64 encoded length is expected a multiple of 4 bytes but found: {}",
            text.len()
        ))),
        // DynamoDB: spelled like this.
        Tree::Text(text) => STANDARD
            .decode(text)
            .map(drop)
            .map_err(|_| ApiError::serialization("Invalid last non-pad Base64 character dectected")),
        Tree::Bool(_) | Tree::Integer(_) | Tree::Decimal(_) => {
            Err(ApiError::serialization("only base-64-encoded strings are convertible to bytes"))
        }
        other => Err(unconvertible(other, &Shape::Blob)),
    }
}

fn unconvertible(found: &Tree, shape: &Shape) -> ApiError {
    let token = match found {
        Tree::Bool(true) => "TRUE_VALUE",
        Tree::Bool(false) => "FALSE_VALUE",
        Tree::Integer(_) => "NUMBER_VALUE",
        Tree::Decimal(decimal) if decimal.fract() == 0.0 => "NUMBER_VALUE",
        Tree::Decimal(_) => "DECIMAL_VALUE",
        Tree::Text(_) => "STRING_VALUE",
        Tree::List(_) => return unrecognized_collection(shape),
        Tree::Null | Tree::Object(_) | Tree::TooDeep => return start_of_structure(),
    };
    let class = shape.class();
    let class = class.rsplit('.').next().unwrap_or_default();
    ApiError::serialization(format!("{token} cannot be converted to {class}"))
}

fn start_of_structure() -> ApiError {
    ApiError::serialization("Start of structure or map found where not expected")
}

fn unrecognized_collection(shape: &Shape) -> ApiError {
    let kind = if matches!(shape, Shape::Map(..)) { "" } else { "class " };
    ApiError::serialization(format!("Unrecognized collection type {kind}{}", shape.class()))
}

/// A scalar where a list, map or structure should be.
fn misplaced(shape: &Shape, place: Place) -> ApiError {
    ApiError::serialization(match (place, shape) {
        (Place::Member, _) => "Unexpected field type",
        (Place::Element, Shape::List(..) | Shape::Map(..)) => {
            "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class \
             java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and \
             java.lang.Class are in module java.base of loader 'bootstrap')"
        }
        (Place::Element, _) => "Unexpected value type in payload",
    })
}

impl Shape {
    /// The Java class.
    fn class(&self) -> String {
        match self {
            Shape::String(_) => "java.lang.String".to_owned(),
            Shape::Boolean => "java.lang.Boolean".to_owned(),
            Shape::Integer(_) => "java.lang.Integer".to_owned(),
            Shape::Long(_) => "java.lang.Long".to_owned(),
            Shape::Blob => "java.nio.ByteBuffer".to_owned(),
            Shape::List(of, _) => format!("java.util.List<{}>", of.class()),
            Shape::Map(of, _) => format!("java.util.Map<java.lang.String, {}>", of.class()),
            Shape::Structure(structure) => format!("com.amazonaws.dynamodb.v20120810.{}", structure.name),
            Shape::Value => format!("com.amazonaws.dynamodb.v20120810.{}", VALUE.name),
            Shape::Anything => "java.lang.Object".to_owned(),
        }
    }
}
