//! Which part of a table or index a Query reads.

use std::sync::Arc;

use model::{AttributeValue, KeyAttribute, KeyType};

use crate::ast::Comparator;
use crate::condition::{Condition, Operand, Rule, Source, Test, begins_with, compare_in_order};
use crate::{ExprError, KeyFault};

/// A KeyConditionExpression or KeyConditions: tests of attributes that ought to be a key's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCondition {
    tests: Vec<(String, KeyTest)>,
}

/// What is asked of one attribute of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyTest {
    Equal(Arc<AttributeValue>),
    Less(Arc<AttributeValue>),
    AtMost(Arc<AttributeValue>),
    More(Arc<AttributeValue>),
    AtLeast(Arc<AttributeValue>),
    Between(Arc<AttributeValue>, Arc<AttributeValue>),
    BeginsWith(Arc<AttributeValue>),
    /// What only KeyConditions can ask for, and no key answers.
    NotIndexable,
}

/// A key condition that suits a key: one partition, and in it a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// One for each attribute of the partition key, in their order.
    pub partition: Vec<AttributeValue>,
    /// What the first attributes of the sort key equal, in their order; maybe none of them, maybe all.
    pub sort_prefix: Vec<AttributeValue>,
    /// What is asked of the attribute of the sort key after those. Never an equality.
    pub sort: Option<KeyTest>,
}

impl KeyCondition {
    pub(crate) fn new(tests: Vec<(String, KeyTest)>) -> KeyCondition {
        KeyCondition { tests }
    }

    /// DynamoDB: the same grammar as all conditions, of which most is then refused, from left to right.
    pub(crate) fn of(condition: &Condition) -> Result<KeyCondition, ExprError> {
        let mut tests: Vec<(String, KeyTest)> = Vec::new();
        let mut rules = vec![condition.root()];
        while let Some(rule) = rules.pop() {
            match rule {
                Rule::All(both) => rules.extend(both.iter().rev().map(|&id| condition.rule(id))),
                Rule::Any(_) => return Err(KeyFault::Operator("OR").into()),
                Rule::Not(_) => return Err(KeyFault::Operator("NOT").into()),
                Rule::Test(test) => {
                    let (attribute, test) = key_test(test)?;
                    if tests.iter().any(|(name, _test)| *name == attribute) {
                        return Err(KeyFault::Twice.into());
                    }
                    tests.push((attribute, test));
                }
            }
        }
        Ok(KeyCondition { tests })
    }

    /// What it asks of which attribute, in the order in which it does.
    pub(crate) fn tests(&self) -> impl Iterator<Item = (&str, &KeyTest)> {
        self.tests.iter().map(|(attribute, test)| (attribute.as_str(), test))
    }

    /// What it means for a key: `partition` and `sort` are the attributes of a table's or an index's key.
    ///
    /// DynamoDB: developer guide, "Multi-attribute keys": all partition attributes by equality, sort attributes
    /// from the left without gaps, and nothing behind one that is no equality. Where there is but one of each,
    /// the messages are those of dynalite's tests; see [`KeyFault::NotEqualBefore`] for where there are more.
    ///
    /// # Errors
    /// If it does not suit the key.
    pub fn for_key(&self, partition: &[KeyAttribute], sort: &[KeyAttribute]) -> Result<KeyRange, KeyFault> {
        let attributes = partition.len() + sort.len();
        match self.tests.len() {
            0 => return Err(KeyFault::None),
            asked if asked > attributes => return Err(KeyFault::TooMany { asked, attributes }),
            _ => {}
        }
        let mut range = KeyRange { partition: Vec::new(), sort_prefix: Vec::new(), sort: None };
        for attribute in partition {
            match self.test(attribute)? {
                Some(KeyTest::Equal(value)) => range.partition.push(value.as_ref().clone()),
                Some(_) => return Err(KeyFault::NotSupported),
                None => return Err(KeyFault::Missed(attribute.name.clone())),
            }
        }
        let tests = sort.iter().map(|attribute| self.test(attribute)).collect::<Result<Vec<_>, _>>()?;
        self.refuse_strangers(partition.len(), sort, &tests)?;
        for (place, test) in tests.iter().enumerate() {
            match test {
                Some(KeyTest::Equal(value)) => range.sort_prefix.push(value.as_ref().clone()),
                other => {
                    refuse_behind(place, sort, &tests)?;
                    range.sort = other.cloned();
                    break;
                }
            }
        }
        Ok(range)
    }

    /// Conditions on what is no attribute of the key.
    fn refuse_strangers(
        &self,
        partition: usize,
        sort: &[KeyAttribute],
        tests: &[Option<&KeyTest>],
    ) -> Result<(), KeyFault> {
        if self.tests.len() == partition + tests.iter().flatten().count() {
            return Ok(());
        }
        match tests.iter().position(Option::is_none) {
            Some(missed) => Err(KeyFault::Missed(sort[missed].name.clone())),
            None => Err(KeyFault::NotSupported),
        }
    }

    fn test(&self, attribute: &KeyAttribute) -> Result<Option<&KeyTest>, KeyFault> {
        let Some((_name, test)) = self.tests.iter().find(|(name, _test)| *name == attribute.name) else {
            return Ok(None);
        };
        if *test == KeyTest::NotIndexable {
            return Err(KeyFault::NotIndexable);
        }
        test.values().try_for_each(|value| check_value(attribute, value))?;
        Ok(Some(test))
    }
}

impl KeyTest {
    /// What an attribute is compared with.
    pub fn values(&self) -> impl Iterator<Item = &AttributeValue> {
        let (first, second) = match self {
            KeyTest::Equal(value)
            | KeyTest::Less(value)
            | KeyTest::AtMost(value)
            | KeyTest::More(value)
            | KeyTest::AtLeast(value)
            | KeyTest::BeginsWith(value) => (Some(value), None),
            KeyTest::Between(low, high) => (Some(low), Some(high)),
            KeyTest::NotIndexable => (None, None),
        };
        first.into_iter().chain(second).map(Arc::as_ref)
    }

    /// Whether a value of the attribute is one of those asked for.
    pub fn holds(&self, value: &AttributeValue) -> bool {
        let order = |bound: &AttributeValue| compare_in_order(value, bound);
        match self {
            KeyTest::Equal(bound) => value == bound.as_ref(),
            KeyTest::Less(bound) => order(bound).is_some_and(|order| order.is_lt()),
            KeyTest::AtMost(bound) => order(bound).is_some_and(|order| order.is_le()),
            KeyTest::More(bound) => order(bound).is_some_and(|order| order.is_gt()),
            KeyTest::AtLeast(bound) => order(bound).is_some_and(|order| order.is_ge()),
            KeyTest::Between(low, high) => {
                order(low).is_some_and(|order| order.is_ge())
                    && order(high).is_some_and(|order| order.is_le())
            }
            KeyTest::BeginsWith(prefix) => begins_with(value, prefix),
            KeyTest::NotIndexable => false,
        }
    }
}

/// Nothing may be asked of the attributes of a sort key that come behind the first one, at `place`, of which
/// no equality is asked.
fn refuse_behind(place: usize, sort: &[KeyAttribute], tests: &[Option<&KeyTest>]) -> Result<(), KeyFault> {
    let Some(present) = (place + 1..tests.len()).find(|&behind| tests[behind].is_some()) else {
        return Ok(());
    };
    let unequal = sort[place..present].iter().map(|attribute| attribute.name.clone()).collect();
    Err(KeyFault::NotEqualBefore { unequal, present: sort[present].name.clone() })
}

fn check_value(attribute: &KeyAttribute, value: &AttributeValue) -> Result<(), KeyFault> {
    let empty = |kind| Err(KeyFault::Empty { kind, attribute: attribute.name.clone() });
    match (attribute.key_type, value) {
        (KeyType::S, AttributeValue::S(text)) if text.is_empty() => empty("string"),
        (KeyType::B, AttributeValue::B(bytes)) if bytes.is_empty() => empty("binary"),
        (KeyType::S, AttributeValue::S(_))
        | (KeyType::N, AttributeValue::N(_))
        | (KeyType::B, AttributeValue::B(_)) => Ok(()),
        _ => Err(KeyFault::WrongType),
    }
}

pub(crate) fn key_test(test: &Test) -> Result<(String, KeyTest), KeyFault> {
    match test {
        Test::Compare(Comparator::NotEqual, ..) => Err(KeyFault::Operator("<>")),
        Test::In(..) => Err(KeyFault::Operator("IN")),
        Test::Exists(_) => Err(KeyFault::Operator("attribute_exists")),
        Test::NotExists(_) => Err(KeyFault::Operator("attribute_not_exists")),
        Test::Type(..) => Err(KeyFault::Operator("attribute_type")),
        Test::Contains(..) => Err(KeyFault::Operator("contains")),
        Test::Compare(comparator, one, two) => {
            let KeyOperands { attribute, values, is_first } = KeyOperands::of(&[one, two])?;
            let comparator = if is_first { *comparator } else { comparator.mirrored() };
            Ok((attribute, compared(comparator, only(values))))
        }
        Test::BeginsWith(text, prefix) => {
            let KeyOperands { attribute, values, .. } = first_of("begins_with", &[text, prefix])?;
            Ok((attribute, KeyTest::BeginsWith(only(values))))
        }
        Test::Between(value, low, high) => {
            let KeyOperands { attribute, values, .. } = first_of("BETWEEN", &[value, low, high])?;
            let [low, high] = <[_; 2]>::try_from(values).expect("three operands, of which one is a path");
            Ok((attribute, KeyTest::Between(low, high)))
        }
    }
}

fn only(values: Vec<Arc<AttributeValue>>) -> Arc<AttributeValue> {
    let [value] = <[_; 1]>::try_from(values).expect("two operands, of which one is a path");
    value
}

fn compared(comparator: Comparator, value: Arc<AttributeValue>) -> KeyTest {
    match comparator {
        Comparator::Equal => KeyTest::Equal(value),
        Comparator::NotEqual => KeyTest::NotIndexable,
        Comparator::Less => KeyTest::Less(value),
        Comparator::AtMost => KeyTest::AtMost(value),
        Comparator::More => KeyTest::More(value),
        Comparator::AtLeast => KeyTest::AtLeast(value),
    }
}

fn first_of(operator: &'static str, operands: &[&Operand]) -> Result<KeyOperands, KeyFault> {
    match operands[0] {
        Operand::Source(Source::Path(_)) => KeyOperands::of(operands),
        _ => Err(KeyFault::NotFirst(operator)),
    }
}

/// The operands of one test: an attribute, and values for the rest.
struct KeyOperands {
    attribute: String,
    values: Vec<Arc<AttributeValue>>,
    is_first: bool,
}

impl KeyOperands {
    fn of(operands: &[&Operand]) -> Result<KeyOperands, KeyFault> {
        let mut found = None;
        let mut values = Vec::new();
        for (place, operand) in operands.iter().enumerate() {
            match operand {
                Operand::Size(_) => return Err(KeyFault::NestedOperation),
                Operand::Source(Source::Value(value)) => values.push(Arc::clone(value)),
                Operand::Source(Source::Path(_)) if found.is_some() => {
                    return Err(KeyFault::SeveralAttributes);
                }
                Operand::Source(Source::Path(path)) if path.is_nested() => {
                    return Err(KeyFault::NestedAttribute);
                }
                Operand::Source(Source::Path(path)) => {
                    found = Some((path.attribute().to_owned(), place == 0))
                }
            }
        }
        let (attribute, is_first) = found.ok_or(KeyFault::NoAttribute)?;
        Ok(KeyOperands { attribute, values, is_first })
    }
}

#[cfg(test)]
mod tests;
