//! Whether an item meets a condition. No item makes this fail: what is missing or of another type does not
//! match.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use model::{AttributeValue, Item};

use crate::ast::Comparator;
use crate::path::DocumentPath;
use crate::{KeyFault, KeyRole};

/// A condition or a filter, new or old. The last rule is the root, and rules refer to rules before them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    rules: Vec<Rule>,
}

/// Where a rule lies.
pub(crate) type RuleId = usize;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Test(Test),
    Not(RuleId),
    All(Vec<RuleId>),
    Any(Vec<RuleId>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    Compare(Comparator, Operand, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Exists(DocumentPath),
    NotExists(DocumentPath),
    Type(Operand, AttributeType),
    BeginsWith(Operand, Operand),
    Contains(Operand, Operand),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    Source(Source),
    Size(Source),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Path(DocumentPath),
    Value(Arc<AttributeValue>),
}

/// The name of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AttributeType(&'static str);

impl AttributeType {
    const NAMES: [&str; 10] = ["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"];

    pub(crate) fn parse(name: &str) -> Option<AttributeType> {
        AttributeType::NAMES.into_iter().find(|&known| known == name).map(AttributeType)
    }

    pub(crate) fn as_str(self) -> &'static str {
        self.0
    }
}

impl Condition {
    pub(crate) fn new(rules: Vec<Rule>) -> Condition {
        assert!(!rules.is_empty(), "a condition asks for something");
        Condition { rules }
    }

    pub(crate) fn root(&self) -> &Rule {
        &self.rules[self.rules.len() - 1]
    }

    pub(crate) fn rule(&self, id: RuleId) -> &Rule {
        &self.rules[id]
    }

    /// An item that does not exist is an empty one.
    pub fn holds(&self, item: &Item) -> bool {
        self.is_met(self.root(), item)
    }

    /// As deep as the condition has operators, which `bind` limits.
    fn is_met(&self, rule: &Rule, item: &Item) -> bool {
        let is_met = |id: &RuleId| self.is_met(&self.rules[*id], item);
        match rule {
            Rule::Test(test) => test.holds(item),
            Rule::Not(inner) => !is_met(inner),
            Rule::All(inner) => inner.iter().all(is_met),
            Rule::Any(inner) => inner.iter().any(is_met),
        }
    }

    /// The same, or that there is no such attribute.
    pub fn or_missing(mut self, attribute: &str) -> Condition {
        let root = self.rules.len() - 1;
        let path = DocumentPath::new(attribute.to_owned(), Vec::new());
        self.rules.push(Rule::Test(Test::NotExists(path)));
        self.rules.push(Rule::Any(vec![root, root + 1]));
        self
    }

    /// The attributes it asks for.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.paths().into_iter().map(DocumentPath::attribute)
    }

    /// A Query's filter may not ask for a key attribute of what is queried.
    ///
    /// # Errors
    /// The first attribute of the key that it asks for.
    pub fn refuse_keys<'k>(
        &self,
        mut key: impl Iterator<Item = &'k str>,
        parameter: FilterParameter,
    ) -> Result<(), KeyFault> {
        let asked = key.find(|attribute| self.attributes().any(|asked| asked == *attribute));
        match asked {
            None => Ok(()),
            Some(attribute) => {
                Err(KeyFault::Filtered { parameter: parameter.as_str(), attribute: attribute.to_owned() })
            }
        }
    }

    /// Nobody may look into a key attribute, which is a scalar.
    ///
    /// # Errors
    /// If it does with this one.
    pub fn refuse_nested(&self, attribute: &str, role: KeyRole) -> Result<(), KeyFault> {
        refuse_nested(self.paths().into_iter(), attribute, role)
    }

    fn paths(&self) -> Vec<&DocumentPath> {
        let mut paths = Vec::new();
        for rule in &self.rules {
            if let Rule::Test(test) = rule {
                test.collect_paths(&mut paths);
            }
        }
        paths
    }
}

/// How a filter was written, which its error mentions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterParameter {
    FilterExpression,
    QueryFilter,
}

impl FilterParameter {
    fn as_str(self) -> &'static str {
        match self {
            FilterParameter::FilterExpression => "Filter Expression",
            FilterParameter::QueryFilter => "QueryFilter",
        }
    }
}

pub(crate) fn refuse_nested<'p>(
    mut paths: impl Iterator<Item = &'p DocumentPath>,
    attribute: &str,
    role: KeyRole,
) -> Result<(), KeyFault> {
    match paths.any(|path| path.is_nested() && path.attribute() == attribute) {
        true => Err(KeyFault::NotScalar { role, attribute: attribute.to_owned() }),
        false => Ok(()),
    }
}

impl Test {
    fn holds(&self, item: &Item) -> bool {
        match self {
            Test::Compare(comparator, one, two) => compare(*comparator, one.find(item), two.find(item)),
            Test::Between(value, low, high) => {
                let value = value.find(item);
                compare(Comparator::AtLeast, value.clone(), low.find(item))
                    && compare(Comparator::AtMost, value, high.find(item))
            }
            Test::In(value, list) => value
                .find(item)
                .is_some_and(|value| list.iter().any(|other| other.find(item).as_ref() == Some(&value))),
            Test::Exists(path) => path.find(item).is_some(),
            Test::NotExists(path) => path.find(item).is_none(),
            Test::Type(operand, AttributeType(name)) => {
                operand.find(item).is_some_and(|value| value.type_name() == *name)
            }
            Test::BeginsWith(text, prefix) => match (text.find(item), prefix.find(item)) {
                (Some(text), Some(prefix)) => begins_with(&text, &prefix),
                _ => false,
            },
            Test::Contains(whole, part) => match (whole.find(item), part.find(item)) {
                (Some(whole), Some(part)) => contains(&whole, &part),
                _ => false,
            },
        }
    }

    pub(crate) fn collect_paths<'t>(&'t self, into: &mut Vec<&'t DocumentPath>) {
        let operands = match self {
            Test::Exists(path) | Test::NotExists(path) => return into.push(path),
            Test::Type(one, _) => vec![one],
            Test::Compare(_, one, two) | Test::BeginsWith(one, two) | Test::Contains(one, two) => {
                vec![one, two]
            }
            Test::Between(one, two, three) => vec![one, two, three],
            Test::In(one, list) => std::iter::once(one).chain(list).collect(),
        };
        into.extend(operands.into_iter().filter_map(|operand| match operand {
            Operand::Source(Source::Path(path)) | Operand::Size(Source::Path(path)) => Some(path),
            _ => None,
        }));
    }
}

impl Operand {
    fn find<'o>(&'o self, item: &'o Item) -> Option<Cow<'o, AttributeValue>> {
        match self {
            Operand::Source(source) => source.find(item).map(Cow::Borrowed),
            Operand::Size(source) => {
                let size = size(source.find(item)?)?;
                Some(Cow::Owned(AttributeValue::N((size as u64).into())))
            }
        }
    }
}

impl Source {
    fn find<'o>(&'o self, item: &'o Item) -> Option<&'o AttributeValue> {
        match self {
            Source::Path(path) => path.find(item),
            Source::Value(value) => Some(value),
        }
    }
}

/// DynamoDB: numbers, booleans and nulls have no size. A string's is counted in UTF-16 units (ExtendDB
/// issue 60, pull request 67, compared with the service).
fn size(value: &AttributeValue) -> Option<usize> {
    Some(match value {
        AttributeValue::S(text) => text.encode_utf16().count(),
        AttributeValue::B(bytes) => bytes.len(),
        AttributeValue::L(list) => list.len(),
        AttributeValue::M(map) => map.len(),
        AttributeValue::Ss(set) => set.len(),
        AttributeValue::Ns(set) => set.len(),
        AttributeValue::Bs(set) => set.len(),
        AttributeValue::N(_) | AttributeValue::Bool(_) | AttributeValue::Null => return None,
    })
}

/// DynamoDB: what does not exist is unlike everything, even what does not exist either, and has no order.
fn compare(
    comparator: Comparator,
    one: Option<Cow<'_, AttributeValue>>,
    two: Option<Cow<'_, AttributeValue>>,
) -> bool {
    let (Some(one), Some(two)) = (one, two) else { return comparator == Comparator::NotEqual };
    let is_ordered = |expected: fn(Ordering) -> bool| compare_in_order(&one, &two).is_some_and(expected);
    match comparator {
        Comparator::Equal => one == two,
        Comparator::NotEqual => one != two,
        Comparator::Less => is_ordered(Ordering::is_lt),
        Comparator::AtMost => is_ordered(Ordering::is_le),
        Comparator::More => is_ordered(Ordering::is_gt),
        Comparator::AtLeast => is_ordered(Ordering::is_ge),
    }
}

/// DynamoDB: only strings, numbers and binaries have an order, and only among themselves. Strings are ordered
/// like their UTF-8 bytes, binaries as unsigned bytes.
pub(crate) fn compare_in_order(one: &AttributeValue, two: &AttributeValue) -> Option<Ordering> {
    match (one, two) {
        (AttributeValue::S(one), AttributeValue::S(two)) => Some(one.cmp(two)),
        (AttributeValue::N(one), AttributeValue::N(two)) => Some(one.cmp(two)),
        (AttributeValue::B(one), AttributeValue::B(two)) => Some(one.cmp(two)),
        _ => None,
    }
}

pub(crate) fn begins_with(text: &AttributeValue, prefix: &AttributeValue) -> bool {
    match (text, prefix) {
        (AttributeValue::S(text), AttributeValue::S(prefix)) => text.starts_with(prefix.as_str()),
        (AttributeValue::B(text), AttributeValue::B(prefix)) => text.starts_with(prefix),
        _ => false,
    }
}

/// DynamoDB: a part of a string or a binary, an element of a set, or any element of a list.
fn contains(whole: &AttributeValue, part: &AttributeValue) -> bool {
    match (whole, part) {
        (AttributeValue::S(whole), AttributeValue::S(part)) => whole.contains(part.as_str()),
        (AttributeValue::B(whole), AttributeValue::B(part)) => contains_bytes(whole, part),
        (AttributeValue::Ss(set), AttributeValue::S(part)) => set.contains(part),
        (AttributeValue::Ns(set), AttributeValue::N(part)) => set.contains(part),
        (AttributeValue::Bs(set), AttributeValue::B(part)) => set.contains(part),
        (AttributeValue::L(list), part) => list.contains(part),
        _ => false,
    }
}

/// In time that grows with the sum of both lengths, whatever the bytes: a client may choose them.
fn contains_bytes(whole: &[u8], part: &[u8]) -> bool {
    // How long a beginning of `part` ends at each of its bytes (Knuth, Morris, Pratt).
    let mut borders = vec![0; part.len()];
    let advance = |borders: &[usize], mut matched: usize, byte: u8| {
        while matched > 0 && part[matched] != byte {
            matched = borders[matched - 1];
        }
        matched + usize::from(part[matched] == byte)
    };
    for end in 1..part.len() {
        borders[end] = advance(&borders, borders[end - 1], part[end]);
    }
    let mut matched = 0;
    part.is_empty()
        || whole.iter().any(|&byte| {
            matched = advance(&borders, matched, byte);
            matched == part.len()
        })
}

#[cfg(test)]
mod tests;
