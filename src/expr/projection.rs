//! Which parts of an item a reader asked for.

use std::collections::{BTreeMap, HashSet};

use model::{AttributeValue, Item, limits::ATTRIBUTE_NAME_BYTES_MAX};

use crate::path::{Branch, DocumentPath, PathTree};
use crate::{ExprError, Expressions, KeyFault, KeyRole, LegacyFault};

/// DynamoDB: the most names that AttributesToGet takes (API reference, GetItem).
const ATTRIBUTES_TO_GET_MAX: usize = 255;

/// The paths of a projection, merged into a tree by what they have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projection {
    wanted: PathTree<()>,
}

impl Projection {
    pub(crate) fn new(wanted: PathTree<()>) -> Projection {
        Projection { wanted }
    }

    /// From a ProjectionExpression that is the only expression of its request, with ExpressionAttributeNames.
    pub fn parse(expression: &str, names: &[(String, String)]) -> Result<Projection, ExprError> {
        let names = (!names.is_empty()).then_some(names);
        let alone = Expressions { projection: Some(expression), names, ..Expressions::default() };
        Ok(alone.bind()?.projection.expect("a projection was asked for"))
    }

    /// From the older AttributesToGet: names of whole attributes, never paths; reserved words are welcome.
    pub fn from_attributes(names: &[String]) -> Result<Projection, ExprError> {
        match names.len() {
            0 => return Err(LegacyFault::NoAttributes.into()),
            1..=ATTRIBUTES_TO_GET_MAX => {}
            _ => return Err(LegacyFault::TooManyAttributes { max: ATTRIBUTES_TO_GET_MAX }.into()),
        }
        for name in names {
            match name.len() {
                0 => return Err(LegacyFault::EmptyName.into()),
                1..=ATTRIBUTE_NAME_BYTES_MAX => {}
                _ => return Err(LegacyFault::NameTooLong.into()),
            }
        }
        let mut seen = HashSet::new();
        if let Some(twice) = names.iter().find(|&name| !seen.insert(name)) {
            return Err(LegacyFault::DuplicateAttribute(twice.clone()).into());
        }
        let attributes = names.iter().map(|name| (name.clone(), Branch::Leaf(()))).collect();
        Ok(Projection { wanted: PathTree(attributes) })
    }

    /// DynamoDB: maps keep their structure with the selected members only; the selected elements of a list
    /// move together in the order of their indexes; what does not exist, or is of another type than its path
    /// takes it for, selects nothing and leaves no empty parents (Alternator's
    /// test_projection_expression.py).
    pub fn apply(&self, item: &Item) -> Item {
        select(&self.wanted, item)
    }

    pub(crate) fn paths(&self) -> Vec<DocumentPath> {
        self.wanted.paths()
    }

    /// The attributes of which it wants something.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.wanted.0.keys().map(String::as_str)
    }

    /// Nobody may look into a key attribute, which is a scalar.
    ///
    /// # Errors
    /// If it does with this one.
    pub fn refuse_nested(&self, attribute: &str, role: KeyRole) -> Result<(), KeyFault> {
        match self.wanted.0.get(attribute) {
            None | Some(Branch::Leaf(())) => Ok(()),
            Some(_) => Err(KeyFault::NotScalar { role, attribute: attribute.to_owned() }),
        }
    }
}

/// The parts of an item that a tree's paths end at.
pub(crate) fn select<T>(wanted: &PathTree<T>, item: &Item) -> Item {
    select_members(&wanted.0, item)
}

impl<T> Branch<T> {
    fn select(&self, value: &AttributeValue) -> Option<AttributeValue> {
        match (self, value) {
            (Branch::Leaf(_), value) => Some(value.clone()),
            (Branch::Members(members), AttributeValue::M(map)) => {
                let selected = select_members(members, map);
                (!selected.is_empty()).then_some(AttributeValue::M(selected))
            }
            (Branch::Elements(elements), AttributeValue::L(list)) => {
                let selected = select_elements(elements, list);
                (!selected.is_empty()).then_some(AttributeValue::L(selected))
            }
            _ => None,
        }
    }
}

fn select_members<T>(members: &BTreeMap<String, Branch<T>>, map: &Item) -> Item {
    members.iter().filter_map(|(name, branch)| Some((name.clone(), branch.select(map.get(name)?)?))).collect()
}

fn select_elements<T>(elements: &BTreeMap<u32, Branch<T>>, list: &[AttributeValue]) -> Vec<AttributeValue> {
    elements.iter().filter_map(|(&index, branch)| branch.select(list.get(index as usize)?)).collect()
}

#[cfg(test)]
mod tests;
