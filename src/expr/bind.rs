//! All the expressions of a request and what their placeholders stand for, to what can be evaluated.

mod condition;
mod placeholders;
mod update;

use model::AttributeValue;

pub(crate) use self::condition::{attribute_type, check_bounds, refuse_type, refuse_unordered, size_of};
pub(crate) use self::placeholders::{Placeholders, check_words, list_index};
use crate::ast::{Path, Style};
use crate::path::PathTree;
use crate::{Condition, ExprError, ExpressionKind, Fault, KeyCondition, Projection, Update, parse};

/// DynamoDB: developer guide, "Expression parameters" under quotas, says so of updates; conditions were seen
/// held to it too ("operator count: 301" in Alternator's test_limits.py), parentheses not counted.
const OPERATORS_MAX: usize = 300;

/// The expressions of one request, as written; `None` is what the request did not have.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expressions<'a> {
    pub condition: Option<&'a str>,
    pub filter: Option<&'a str>,
    pub key_condition: Option<&'a str>,
    pub projection: Option<&'a str>,
    pub update: Option<&'a str>,
    /// ExpressionAttributeNames.
    pub names: Option<&'a [(String, String)]>,
    /// ExpressionAttributeValues.
    pub values: Option<&'a [(String, AttributeValue)]>,
}

/// The same, ready to be evaluated. Owns all it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    pub condition: Option<Condition>,
    pub filter: Option<Condition>,
    pub key_condition: Option<KeyCondition>,
    pub projection: Option<Projection>,
    pub update: Option<Update>,
}

impl Expressions<'_> {
    /// Everything that can be said of a request's expressions without knowing its table.
    ///
    /// DynamoDB: first the placeholders as such; then expression by expression in the order below, each with
    /// all its faults; then names nobody used, and values nobody used; and what a key condition is made of
    /// last of all (dynalite's tests of queries and updates).
    ///
    /// # Errors
    /// The one fault that DynamoDB reports.
    pub fn bind(&self) -> Result<Bound, ExprError> {
        let mut placeholders = Placeholders::new(self.names, self.values)?;
        let update = self.update.map(|text| bind_update(text, &mut placeholders)).transpose()?;
        let mut condition = |text: Option<&str>, kind| {
            text.map(|text| bind_condition(text, kind, &mut placeholders)).transpose()
        };
        let written = condition(self.condition, ExpressionKind::Condition)?;
        let key_condition = condition(self.key_condition, ExpressionKind::KeyCondition)?;
        let filter = condition(self.filter, ExpressionKind::Filter)?;
        let projection = self.projection.map(|text| bind_projection(text, &mut placeholders)).transpose()?;
        placeholders.all_used()?;
        let key_condition = key_condition.as_ref().map(KeyCondition::of).transpose()?;
        Ok(Bound { condition: written, filter, key_condition, projection, update })
    }
}

fn bind_update(text: &str, placeholders: &mut Placeholders<'_>) -> Result<Update, ExprError> {
    let bound = parse::update(text).and_then(|tree| update::bind(&tree, placeholders));
    bound.map_err(|fault| fault.within(ExpressionKind::Update))
}

fn bind_condition(
    text: &str,
    kind: ExpressionKind,
    placeholders: &mut Placeholders<'_>,
) -> Result<Condition, ExprError> {
    let bound = parse::condition(text).and_then(|tree| condition::bind(&tree, placeholders));
    bound.map_err(|fault| fault.within(kind))
}

fn bind_projection(text: &str, placeholders: &mut Placeholders<'_>) -> Result<Projection, ExprError> {
    let bound = parse::projection(text).and_then(|paths| wanted(&paths, placeholders));
    bound.map(Projection::new).map_err(|fault| fault.within(ExpressionKind::Projection))
}

fn wanted(written: &[Path<'_>], placeholders: &mut Placeholders<'_>) -> Result<PathTree<()>, Fault> {
    written.iter().try_for_each(check_words)?;
    let paths = written.iter().map(|path| placeholders.path(path)).collect::<Result<Vec<_>, _>>()?;
    PathTree::of(paths.iter().map(|path| (path, ())))
}

fn check_style(style: Style) -> Result<(), Fault> {
    if style.has_redundant_parentheses {
        return Err(Fault::RedundantParentheses);
    }
    match style.operators {
        0..=OPERATORS_MAX => Ok(()),
        // DynamoDB: stops counting at the first one too many.
        _ => Err(Fault::TooManyOperators { count: OPERATORS_MAX + 1 }),
    }
}

#[cfg(test)]
mod tests;
