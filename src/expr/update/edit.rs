//! Writing what an update writes, from the leaves of its paths up. As deep as paths are.

use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;

use model::{AttributeValue, Item};

use super::{Action, Dialect, sum};
use crate::EvalError;
use crate::ast::Sign;
use crate::path::{Branch, DocumentPath, PathTree};

pub(super) struct Edits<'u> {
    pub(super) dialect: Dialect,
    pub(super) actions: &'u [(DocumentPath, Action)],
    /// The right sides of those that are a SET.
    pub(super) assigned: Vec<Option<AttributeValue>>,
}

impl Edits<'_> {
    pub(super) fn of_item(mut self, touched: &PathTree<usize>, mut item: Item) -> Result<Item, EvalError> {
        self.edit_members(&touched.0, &mut item)?;
        Ok(item)
    }

    fn edit_members(
        &mut self,
        members: &BTreeMap<String, Branch<usize>>,
        map: &mut Item,
    ) -> Result<(), EvalError> {
        for (name, branch) in members {
            if let Some(value) = self.edit(branch, map.remove(name))? {
                map.insert(name.clone(), value);
            }
        }
        Ok(())
    }

    /// DynamoDB: an index is the position before the update. What is set beyond the end is appended, in the
    /// order of the indexes; what is removed there is ignored.
    fn edit_elements(
        &mut self,
        elements: &BTreeMap<u32, Branch<usize>>,
        list: Vec<AttributeValue>,
    ) -> Result<Vec<AttributeValue>, EvalError> {
        let mut slots: Vec<Option<AttributeValue>> = list.into_iter().map(Some).collect();
        let mut appended = Vec::new();
        for (&index, branch) in elements {
            match slots.get_mut(index as usize) {
                Some(slot) => *slot = self.edit(branch, slot.take())?,
                None => appended.push(self.edit(branch, None)?),
            }
        }
        Ok(slots.into_iter().chain(appended).flatten().collect())
    }

    /// What becomes of what is there; `None` is not there.
    ///
    /// DynamoDB: parents are never made up.
    fn edit(
        &mut self,
        branch: &Branch<usize>,
        existing: Option<AttributeValue>,
    ) -> Result<Option<AttributeValue>, EvalError> {
        match (branch, existing) {
            (Branch::Leaf(action), existing) => self.act(*action, existing),
            (Branch::Members(members), Some(AttributeValue::M(mut map))) => {
                self.edit_members(members, &mut map)?;
                Ok(Some(AttributeValue::M(map)))
            }
            (Branch::Elements(elements), Some(AttributeValue::L(list))) => {
                Ok(Some(AttributeValue::L(self.edit_elements(elements, list)?)))
            }
            _ => Err(EvalError::InvalidPath),
        }
    }

    fn act(
        &mut self,
        action: usize,
        existing: Option<AttributeValue>,
    ) -> Result<Option<AttributeValue>, EvalError> {
        match (&self.actions[action].1, existing) {
            (Action::Set(_), _) => Ok(self.assigned[action].take()),
            (Action::Remove, _) | (Action::Delete(_), None) => Ok(None),
            (Action::Add(value), None) => Ok(Some(value.as_ref().clone())),
            (Action::Add(value), Some(existing)) => self.add(existing, value).map(Some),
            (Action::Delete(value), Some(existing)) => self.subtract(existing, value),
        }
    }

    /// DynamoDB: AttributeUpdates can add to lists too, which no page says (Alternator's test_item.py).
    fn add(&self, existing: AttributeValue, added: &AttributeValue) -> Result<AttributeValue, EvalError> {
        use AttributeValue::{Bs, L, N, Ns, Ss};
        Ok(match (existing, added) {
            (N(one), N(two)) => N(sum(Sign::Plus, &one, two)?),
            (Ss(set), Ss(more)) => Ss(union(set, more)),
            (Ns(set), Ns(more)) => Ns(union(set, more)),
            (Bs(set), Bs(more)) => Bs(union(set, more)),
            (L(mut list), L(more)) if self.dialect == Dialect::AttributeUpdates => {
                list.extend_from_slice(more);
                L(list)
            }
            _ => return Err(self.type_error()),
        })
    }

    /// DynamoDB: a set that becomes empty is removed.
    fn subtract(
        &self,
        existing: AttributeValue,
        removed: &AttributeValue,
    ) -> Result<Option<AttributeValue>, EvalError> {
        use AttributeValue::{Bs, Ns, Ss};
        match (existing, removed) {
            (Ss(set), Ss(less)) => Ok(difference(set, less).map(Ss)),
            (Ns(set), Ns(less)) => Ok(difference(set, less).map(Ns)),
            (Bs(set), Bs(less)) => Ok(difference(set, less).map(Bs)),
            _ => Err(self.type_error()),
        }
    }

    fn type_error(&self) -> EvalError {
        match self.dialect {
            Dialect::Expression => EvalError::OperandType,
            Dialect::AttributeUpdates => EvalError::AttributeType,
        }
    }
}

/// DynamoDB: shown sorted, whatever was there first (conformance suite, "UpdateItem — ADD").
fn union<T: Clone + Ord>(mut set: Vec<T>, more: &[T]) -> Vec<T> {
    set.extend_from_slice(more);
    set.sort_unstable();
    set.dedup();
    set
}

fn difference<T: Eq + Hash>(mut set: Vec<T>, less: &[T]) -> Option<Vec<T>> {
    let less: HashSet<&T> = less.iter().collect();
    set.retain(|element| !less.contains(element));
    (!set.is_empty()).then_some(set)
}
