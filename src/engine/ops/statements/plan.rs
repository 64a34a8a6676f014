//! Which ranges of keys a SELECT reads, and in which order.
//!
//! DynamoDB: a SELECT whose WHERE says in every case what the partition key equals is decomposed into queries;
//! any other one reads everything (developer guide, "PartiQL select statements").

use expr::{
    Condition, KeyRange, KeyTest,
    partiql::{Branch, OrderBy, SelectStatement},
};
use model::{AttributeValue, KeyAttribute, KeyType, encode_component};

use super::key_mismatch;
use crate::{EngineError, keys::Span, ops::source::Source, table::Projected};

/// DynamoDB: developer guide, "PartiQL operators": at most 50 values of a partition key.
const READS_MAX: usize = 50;
const TOO_MANY_READS: &str = "Too many decomposed read operations for a given query.";
const OVERLAP: &str = "Overlapping conditions with range keys are not supported in where clause";
const SEVERAL_ATTRIBUTES: &str = "PartiQL statements cannot be executed on tables with multi-attribute HASH \
                                  keys or multi-attribute RANGE keys.";

/// What to read, one range after another.
#[derive(Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) spans: Vec<Span>,
    pub(super) is_forward: bool,
}

/// The key of what is read.
struct Key<'a> {
    partition: &'a KeyAttribute,
    sort: Option<&'a KeyAttribute>,
}

/// One query: a range of one partition.
struct Read {
    /// The partition's value in its order.
    partition: Vec<u8>,
    span: Span,
    /// See [`Branch::excludes`].
    excludes: bool,
}

impl Plan {
    /// # Errors
    /// What DynamoDB refuses of a statement once it knows the keys.
    pub(super) fn of(select: &SelectStatement, source: &Source<'_>) -> Result<Plan, EngineError> {
        let key = Key::of(source)?;
        let reads = match &select.condition {
            None => None,
            Some(condition) => reads(condition, &key, source)?,
        };
        let order = Order::of(select, &key, reads.as_deref())?;
        let Some(reads) = reads else { return Ok(Plan { spans: vec![Span::all()], is_forward: true }) };
        let mut reads = united(reads)?;
        if reads.len() > READS_MAX {
            return Err(EngineError::validation(TOO_MANY_READS));
        }
        order.sort(&mut reads);
        let spans = reads.into_iter().map(|read| read.span).collect();
        Ok(Plan { spans, is_forward: !order.is_sort_descending })
    }
}

impl<'a> Key<'a> {
    fn of(source: &Source<'a>) -> Result<Key<'a>, EngineError> {
        let key = source.key();
        match (key.partition.as_slice(), key.sort.as_slice()) {
            ([partition], []) => Ok(Key { partition, sort: None }),
            ([partition], [sort]) => Ok(Key { partition, sort: Some(sort) }),
            _ => Err(EngineError::validation(SEVERAL_ATTRIBUTES)),
        }
    }

    fn attribute(&self, name: &str) -> Option<&'a KeyAttribute> {
        [Some(self.partition), self.sort].into_iter().flatten().find(|attribute| attribute.name == name)
    }
}

/// The queries that a condition is decomposed into; `None` if it does not name partitions.
fn reads(
    condition: &Condition,
    key: &Key<'_>,
    source: &Source<'_>,
) -> Result<Option<Vec<Read>>, EngineError> {
    let sort: Vec<&str> = key.sort.iter().map(|attribute| attribute.name.as_str()).collect();
    let branches = condition
        .branches(&[key.partition.name.as_str()], &sort)
        .ok_or_else(|| EngineError::validation(TOO_MANY_READS))?;
    for (name, test) in branches.iter().flat_map(|branch| &branch.tests) {
        let attribute = key.attribute(name).expect("branches test the attributes that they were asked for");
        test.values().try_for_each(|value| check_key_value(attribute, value))?;
    }
    let reads: Option<Vec<Vec<Read>>> = branches.iter().map(|branch| read(branch, key)).collect();
    if reads.is_some() {
        refuse_unprojected(&branches, source)?;
    }
    Ok(reads.map(|reads| reads.into_iter().flatten().collect()))
}

fn check_key_value(attribute: &KeyAttribute, value: &AttributeValue) -> Result<(), EngineError> {
    match (attribute.key_type, value) {
        (KeyType::S, AttributeValue::S(_))
        | (KeyType::N, AttributeValue::N(_))
        | (KeyType::B, AttributeValue::B(_)) => Ok(()),
        (_, AttributeValue::S(_) | AttributeValue::N(_) | AttributeValue::B(_)) => {
            Err(key_mismatch(&attribute.name))
        }
        (_, other) => Err(EngineError::validation(format!(
            "Key value must be of type S, N, or B. Key name: {}, Key type: {}",
            attribute.name,
            other.type_name()
        ))),
    }
}

/// `None` if the case names no partition, or two; an empty list if its range is empty.
fn read(branch: &Branch, key: &Key<'_>) -> Option<Vec<Read>> {
    let mut partition: Option<&AttributeValue> = None;
    let mut tests = Vec::new();
    for (name, test) in &branch.tests {
        match test {
            KeyTest::Equal(value) if *name == key.partition.name => match partition {
                Some(other) if other != value.as_ref() => return None,
                _ => partition = Some(value),
            },
            test => tests.push(test),
        }
    }
    let partition = partition?;
    let range = |sort| KeyRange { partition: vec![partition.clone()], sort_prefix: Vec::new(), sort };
    let mut span = Some(Span::of_range(&range(None)));
    for test in tests {
        let tested = Span::of_range(&range(Some(test.clone())));
        span = span.and_then(|span| span.intersection(&tested));
    }
    let mut place = Vec::new();
    encode_component(partition, &mut place);
    let read = span.map(|span| Read { partition: place, span, excludes: branch.excludes });
    Some(read.into_iter().collect())
}

/// DynamoDB: only if what the index lacks is asked for in every case; "Secondary index" for both kinds
/// (conformance suite, PartiQL error messages; floci's authors for the cases).
fn refuse_unprojected(branches: &[Branch], source: &Source<'_>) -> Result<(), EngineError> {
    let Some(index) = source.index.filter(|index| index.projected != Projected::All) else { return Ok(()) };
    let mut missing: Vec<&str> = Vec::new();
    for branch in branches {
        missing.clear();
        for attribute in branch.filters.iter().map(String::as_str) {
            if !index.has(source.table, attribute) && !missing.contains(&attribute) {
                missing.push(attribute);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
    }
    Err(EngineError::validation(format!(
        "One or more parameter values were invalid: Secondary index {} does not project one or more filter \
         attributes: [{}]",
        index.name,
        missing.join(", ")
    )))
}

/// Ranges that do not overlap.
///
/// DynamoDB: two cases may not, unless one of them excludes something of the sort key: then items are read once
/// (conformance suite, OR branches).
fn united(mut reads: Vec<Read>) -> Result<Vec<Read>, EngineError> {
    reads.sort_by(|one, other| one.span.from.cmp(&other.span.from));
    let mut united: Vec<Read> = Vec::with_capacity(reads.len());
    for read in reads {
        match united.last_mut() {
            Some(last) if last.span.overlaps(&read.span) => {
                if !last.excludes && !read.excludes {
                    return Err(EngineError::validation(OVERLAP));
                }
                last.excludes = true;
                last.span.extend_to(&read.span);
            }
            _ => united.push(read),
        }
    }
    Ok(united)
}

/// `ORDER BY`.
struct Order {
    /// Of the partitions; without a wish they come in the order of the statement's key ranges.
    partitions: Option<Direction>,
    is_sort_descending: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Ascending,
    Descending,
}

impl Order {
    /// DynamoDB: rules and words as checked against the service by floci's authors. What orders by something
    /// else than the sort key has that descending, odd as it is.
    fn of(select: &SelectStatement, key: &Key<'_>, reads: Option<&[Read]>) -> Result<Order, EngineError> {
        if select.order.is_empty() {
            return Ok(Order { partitions: None, is_sort_descending: false });
        }
        if select.condition.is_none() {
            return Err(EngineError::validation(
                "Must have WHERE clause in the statement when using ORDER BY clause.",
            ));
        }
        if let Some(term) = select.order.iter().find(|term| key.attribute(&term.attribute).is_none()) {
            return Err(EngineError::validation(format!(
                "Attribute {} in ORDER BY clause must be part of the primary key",
                term.attribute
            )));
        }
        let Some(reads) = reads else {
            return Err(EngineError::validation(
                "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.",
            ));
        };
        let term = |name: &str| select.order.iter().find(|term: &&OrderBy| term.attribute == name);
        let partition = term(&key.partition.name);
        if partition.is_none() && reads.windows(2).any(|pair| pair[0].partition != pair[1].partition) {
            return Err(EngineError::validation(
                "Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE \
                 clause.",
            ));
        }
        let sort = key.sort.and_then(|sort| term(&sort.name));
        let direction = match partition {
            Some(term) if term.is_descending => Direction::Descending,
            _ => Direction::Ascending,
        };
        Ok(Order {
            partitions: Some(direction),
            is_sort_descending: sort.is_none_or(|term| term.is_descending),
        })
    }

    fn sort(&self, reads: &mut [Read]) {
        reads.sort_by(|one, other| {
            let partitions = match self.partitions {
                None => std::cmp::Ordering::Equal,
                Some(Direction::Ascending) => one.partition.cmp(&other.partition),
                Some(Direction::Descending) => other.partition.cmp(&one.partition),
            };
            let ranges = one.span.from.cmp(&other.span.from);
            partitions.then(if self.is_sort_descending { ranges.reverse() } else { ranges })
        });
    }
}
