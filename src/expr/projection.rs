//! Which parts of an item a reader asked for.

use std::collections::BTreeMap;

use model::{AttributeValue, Item};

use crate::bind::BoundStep;
use crate::{ExprError, bind, parse};

/// DynamoDB: the most names that AttributesToGet takes (API reference, GetItem).
const ATTRIBUTES_TO_GET_MAX: usize = 255;

/// The paths of a projection, merged into a tree by what they have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projection {
    attributes: BTreeMap<String, Node>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    /// A path ends here: everything below is wanted.
    Whole,
    Members(BTreeMap<String, Node>),
    Elements(BTreeMap<u32, Node>),
}

impl Projection {
    /// From a ProjectionExpression that is the only expression of its request, with ExpressionAttributeNames.
    pub fn parse(expression: &str, names: &[(String, String)]) -> Result<Projection, ExprError> {
        let paths = parse::projection(expression)?;
        let mut projection = Projection { attributes: BTreeMap::new() };
        for path in bind::paths(&paths, names)? {
            projection.add(&path)?;
        }
        Ok(projection)
    }

    /// From the older AttributesToGet: names of whole attributes, never paths; reserved words are welcome.
    pub fn from_attributes(names: &[String]) -> Result<Projection, ExprError> {
        match names.len() {
            0 => return Err(ExprError::Empty),
            1..=ATTRIBUTES_TO_GET_MAX => {}
            _ => return Err(ExprError::TooManyAttributes { max: ATTRIBUTES_TO_GET_MAX }),
        }
        let attributes: BTreeMap<_, _> = names.iter().map(|name| (name.clone(), Node::Whole)).collect();
        if attributes.len() < names.len() {
            return Err(ExprError::DuplicateAttribute);
        }
        Ok(Projection { attributes })
    }

    /// DynamoDB: maps keep their structure with the selected members only; the selected elements of a list
    /// move together in the order of their indexes; what does not exist, or is of another type than its path
    /// takes it for, selects nothing and leaves no empty parents (Alternator's
    /// test_projection_expression.py).
    pub fn apply(&self, item: &Item) -> Item {
        select_members(&self.attributes, item)
    }

    fn add(&mut self, path: &[BoundStep<'_>]) -> Result<(), ExprError> {
        let Some((&BoundStep::Member(name), rest)) = path.split_first() else {
            return Err(ExprError::Empty);
        };
        insert(&mut self.attributes, name.to_owned(), rest)
    }
}

/// As deep as a path is long, which `bind` limits.
fn insert<K: Ord>(children: &mut BTreeMap<K, Node>, key: K, rest: &[BoundStep<'_>]) -> Result<(), ExprError> {
    match children.get_mut(&key) {
        Some(node) => node.add(rest),
        None => {
            children.insert(key, Node::of_path(rest));
            Ok(())
        }
    }
}

impl Node {
    fn of_path(path: &[BoundStep<'_>]) -> Node {
        match path.split_first() {
            None => Node::Whole,
            Some((&BoundStep::Member(name), rest)) => {
                Node::Members(BTreeMap::from([(name.to_owned(), Node::of_path(rest))]))
            }
            Some((&BoundStep::Index(index), rest)) => {
                Node::Elements(BTreeMap::from([(index, Node::of_path(rest))]))
            }
        }
    }

    fn add(&mut self, path: &[BoundStep<'_>]) -> Result<(), ExprError> {
        match (self, path.split_first()) {
            (Node::Whole, _) | (_, None) => Err(ExprError::PathsOverlap),
            (Node::Members(members), Some((&BoundStep::Member(name), rest))) => {
                insert(members, name.to_owned(), rest)
            }
            (Node::Elements(elements), Some((&BoundStep::Index(index), rest))) => {
                insert(elements, index, rest)
            }
            (Node::Members(_), Some((BoundStep::Index(_), _)))
            | (Node::Elements(_), Some((BoundStep::Member(_), _))) => Err(ExprError::PathsConflict),
        }
    }

    fn select(&self, value: &AttributeValue) -> Option<AttributeValue> {
        match (self, value) {
            (Node::Whole, value) => Some(value.clone()),
            (Node::Members(members), AttributeValue::M(map)) => {
                let selected = select_members(members, map);
                (!selected.is_empty()).then_some(AttributeValue::M(selected))
            }
            (Node::Elements(elements), AttributeValue::L(list)) => {
                let selected = select_elements(elements, list);
                (!selected.is_empty()).then_some(AttributeValue::L(selected))
            }
            _ => None,
        }
    }
}

fn select_members(members: &BTreeMap<String, Node>, map: &Item) -> Item {
    members.iter().filter_map(|(name, node)| Some((name.clone(), node.select(map.get(name)?)?))).collect()
}

fn select_elements(elements: &BTreeMap<u32, Node>, list: &[AttributeValue]) -> Vec<AttributeValue> {
    elements.iter().filter_map(|(&index, node)| node.select(list.get(index as usize)?)).collect()
}

#[cfg(test)]
mod tests;
