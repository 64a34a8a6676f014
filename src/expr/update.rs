//! What an update makes of an item.
//!
//! All right sides are worked out on the item as it was, and so are all positions in lists; only then
//! anything is written.

mod edit;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use model::limits::{ITEM_BYTES_MAX, NESTING_LEVELS_MAX};
use model::{AttributeValue, Item, Number, NumberError};

use self::edit::Edits;
use crate::ast::Sign;
use crate::condition::refuse_nested;
use crate::path::{DocumentPath, PathTree, Step};
use crate::projection::select;
use crate::{EvalError, KeyFault, KeyRole};

/// An UpdateExpression or AttributeUpdates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    dialect: Dialect,
    actions: Vec<(DocumentPath, Action)>,
    /// Where which action belongs.
    touched: PathTree<usize>,
}

/// DynamoDB: what an attribute of another type than ADD or DELETE expects is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Expression,
    AttributeUpdates,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Set(Assigned),
    Remove,
    Add(Arc<AttributeValue>),
    Delete(Arc<AttributeValue>),
}

/// The right side of a SET. As deep as the expression has functions, which `bind` limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Assigned {
    Path(DocumentPath),
    Value(Arc<AttributeValue>),
    IfNotExists(DocumentPath, Box<Assigned>),
    /// `list_append`.
    Joined(Box<[Assigned; 2]>),
    Sum(Sign, Box<[Assigned; 2]>),
}

impl Update {
    pub(crate) fn new(
        dialect: Dialect,
        actions: Vec<(DocumentPath, Action)>,
        touched: PathTree<usize>,
    ) -> Update {
        Update { dialect, actions, touched }
    }

    /// The new item; `None` if there was none and there still is none.
    ///
    /// DynamoDB: an item that does not exist has its key all the same, for what is read of it. Updates that
    /// only remove create no item, and do not even care whether their paths make sense (Alternator's
    /// test_update_expression.py); AttributeUpdates that name nothing do create one (its test_item.py).
    ///
    /// # Errors
    /// What only the item shows to be wrong; nothing is written then.
    pub fn apply(&self, old: Option<&Item>, key: &Item) -> Result<Option<Item>, EvalError> {
        if old.is_none() && self.only_removes() {
            return Ok(None);
        }
        let old = old.unwrap_or(key);
        let mut edits = Edits { dialect: self.dialect, actions: &self.actions, assigned: Vec::new() };
        let mut missing = None;
        let mut bytes = 0;
        for (path, action) in &self.actions {
            let assigned = match action {
                Action::Set(assigned) => match assigned.evaluate(old) {
                    Ok(value) => Some(admit(value, path, &mut bytes)?),
                    // DynamoDB: paths that lead nowhere are reported before this one.
                    Err(error @ EvalError::NoSuchAttribute) => {
                        missing = missing.or(Some(error));
                        Some(AttributeValue::Null)
                    }
                    Err(error) => return Err(error),
                },
                // What is added to a set is still there in the end; of a number that cannot be said.
                Action::Add(value) if !matches!(value.as_ref(), AttributeValue::N(_)) => {
                    count(value, &mut bytes)?;
                    None
                }
                Action::Add(_) | Action::Remove | Action::Delete(_) => None,
            };
            edits.assigned.push(assigned);
        }
        let new = edits.of_item(&self.touched, old.clone())?;
        missing.map_or(Ok(Some(new)), Err)
    }

    pub(crate) fn actions(&self) -> &[(DocumentPath, Action)] {
        &self.actions
    }

    /// The attributes that it changes, or changes something inside of.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().map(|(path, _action)| path.attribute())
    }

    fn only_removes(&self) -> bool {
        let removes = |action: &Action| matches!(action, Action::Remove | Action::Delete(_));
        !self.actions.is_empty() && self.actions.iter().all(|(_path, action)| removes(action))
    }

    /// What UPDATED_OLD shows of the old item, and UPDATED_NEW of the new one.
    ///
    /// DynamoDB: just the paths that the update names, as a projection would. An element set beyond the end
    /// of a list is not among them, one that moved to where another was removed is (Alternator's
    /// test_returnvalues.py).
    pub fn touched(&self, item: &Item) -> Item {
        select(&self.touched, item)
    }

    /// What UpdateItem holds against the limit of an item's size as well as the new item itself: the attributes
    /// that it writes to, whole, and something for each action.
    ///
    /// DynamoDB: measured to the byte at that limit; neither updates of transactions nor those of PartiQL have
    /// this second measure (nubo-db/dynamodb-conformance, itemSizeBySurface.test.ts, August 2026).
    pub fn measure(&self, new: &Item) -> usize {
        const UPDATE: usize = 3;
        const WRITE: usize = 19;
        const WRITE_INTO_LIST: usize = 20;
        const REMOVAL: usize = 2;
        let mut written = HashSet::new();
        let mut bytes = UPDATE;
        for (path, action) in &self.actions {
            bytes += match action {
                Action::Remove | Action::Delete(_) => REMOVAL,
                Action::Set(_) | Action::Add(_) => {
                    written.insert(path.attribute());
                    let is_in_list = path.inside().iter().any(|step| matches!(step, Step::Index(_)));
                    if is_in_list { WRITE_INTO_LIST } else { WRITE }
                }
            };
        }
        let size = |name: &str| name.len() + new.get(name).map_or(0, AttributeValue::size);
        bytes + written.into_iter().map(size).sum::<usize>()
    }

    /// Nobody may write to an attribute of the table's key, or into it.
    ///
    /// # Errors
    /// If it does to this one.
    pub fn refuse_key(&self, attribute: &str) -> Result<(), KeyFault> {
        match self.touched.0.contains_key(attribute) {
            true => Err(KeyFault::Updated(attribute.to_owned())),
            false => Ok(()),
        }
    }

    /// Nobody may look into a key attribute, which is a scalar.
    ///
    /// # Errors
    /// If it does with this one.
    pub fn refuse_nested(&self, attribute: &str, role: KeyRole) -> Result<(), KeyFault> {
        let mut paths = Vec::new();
        for (path, action) in &self.actions {
            paths.push(path);
            if let Action::Set(assigned) = action {
                assigned.collect_paths(&mut paths);
            }
        }
        refuse_nested(paths.into_iter(), attribute, role)
    }

    /// The type that an attribute is sure to have after this, as far as that can be told without the item.
    ///
    /// DynamoDB: a type that does not suit an index is refused before anything is read (dynalite's tests).
    pub fn assigned_type(&self, attribute: &str) -> Option<&'static str> {
        match self.action_on(attribute)? {
            Action::Set(assigned) => assigned.static_type(),
            Action::Add(value) | Action::Delete(value) => Some(value.type_name()),
            Action::Remove => None,
        }
    }

    /// The value that an attribute is sure to have after this, if the request itself has it.
    pub fn assigned_value(&self, attribute: &str) -> Option<&AttributeValue> {
        match self.action_on(attribute)? {
            Action::Set(Assigned::Value(value)) => Some(value),
            _ => None,
        }
    }

    fn action_on(&self, attribute: &str) -> Option<&Action> {
        let is_on = |path: &DocumentPath| !path.is_nested() && path.attribute() == attribute;
        self.actions.iter().find(|(path, _action)| is_on(path)).map(|(_path, action)| action)
    }
}

/// Takes a right side, unless it is too much.
fn admit(
    value: Cow<'_, AttributeValue>,
    path: &DocumentPath,
    bytes: &mut usize,
) -> Result<AttributeValue, EvalError> {
    count(&value, bytes)?;
    if path.levels() - 1 + levels(&value) > NESTING_LEVELS_MAX {
        return Err(EvalError::TooDeep);
    }
    Ok(value.into_owned())
}

/// The same large value assigned a thousand times must not be built only to be found too large.
fn count(value: &AttributeValue, bytes: &mut usize) -> Result<(), EvalError> {
    *bytes += value.size();
    if *bytes > ITEM_BYTES_MAX { Err(EvalError::TooLarge) } else { Ok(()) }
}

/// A scalar is one level, and so is an empty list.
pub(crate) fn levels(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::L(list) => 1 + list.iter().map(levels).max().unwrap_or(0),
        AttributeValue::M(map) => 1 + map.iter().map(|(_name, value)| levels(value)).max().unwrap_or(0),
        _ => 1,
    }
}

impl Assigned {
    fn evaluate<'o>(&'o self, old: &'o Item) -> Result<Cow<'o, AttributeValue>, EvalError> {
        match self {
            Assigned::Value(value) => Ok(Cow::Borrowed(value)),
            Assigned::Path(path) => path.find(old).map(Cow::Borrowed).ok_or(EvalError::NoSuchAttribute),
            Assigned::IfNotExists(path, default) => match path.find(old) {
                Some(value) => Ok(Cow::Borrowed(value)),
                None => default.evaluate(old),
            },
            Assigned::Joined(lists) => {
                let (one, two) = evaluate_both(lists, old)?;
                join(&one, &two).map(Cow::Owned)
            }
            Assigned::Sum(sign, numbers) => {
                let (one, two) = evaluate_both(numbers, old)?;
                match (one.as_ref(), two.as_ref()) {
                    (AttributeValue::N(one), AttributeValue::N(two)) => {
                        Ok(Cow::Owned(AttributeValue::N(sum(*sign, one, two)?)))
                    }
                    _ => Err(EvalError::OperandType),
                }
            }
        }
    }

    fn static_type(&self) -> Option<&'static str> {
        match self {
            Assigned::Value(value) => Some(value.type_name()),
            Assigned::Joined(_) => Some("L"),
            Assigned::Sum(..) => Some("N"),
            Assigned::IfNotExists(_, default) => default.static_type(),
            Assigned::Path(_) => None,
        }
    }

    fn collect_paths<'t>(&'t self, into: &mut Vec<&'t DocumentPath>) {
        match self {
            Assigned::Path(path) => into.push(path),
            Assigned::Value(_) => {}
            Assigned::IfNotExists(path, default) => {
                into.push(path);
                default.collect_paths(into);
            }
            Assigned::Joined(operands) | Assigned::Sum(_, operands) => {
                operands.iter().for_each(|operand| operand.collect_paths(into));
            }
        }
    }
}

type Both<'o> = (Cow<'o, AttributeValue>, Cow<'o, AttributeValue>);

fn evaluate_both<'o>([one, two]: &'o [Assigned; 2], old: &'o Item) -> Result<Both<'o>, EvalError> {
    Ok((one.evaluate(old)?, two.evaluate(old)?))
}

fn join(one: &AttributeValue, two: &AttributeValue) -> Result<AttributeValue, EvalError> {
    match (one, two) {
        (AttributeValue::L(front), AttributeValue::L(back)) => {
            if one.size() + two.size() > ITEM_BYTES_MAX {
                return Err(EvalError::TooLarge);
            }
            Ok(AttributeValue::L([front.as_slice(), back].concat()))
        }
        _ => Err(EvalError::OperandType),
    }
}

fn sum(sign: Sign, one: &Number, two: &Number) -> Result<Number, EvalError> {
    let sum = match sign {
        Sign::Plus => one.checked_add(two),
        Sign::Minus => one.checked_sub(two),
    };
    sum.map_err(|error| match error {
        NumberError::Underflow => EvalError::NumberUnderflow,
        NumberError::Overflow | NumberError::TooManyDigits | NumberError::NotANumber => {
            EvalError::NumberOverflow
        }
    })
}

pub(crate) fn is_set(value: &AttributeValue) -> bool {
    matches!(value, AttributeValue::Ss(_) | AttributeValue::Ns(_) | AttributeValue::Bs(_))
}

#[cfg(test)]
mod tests;
