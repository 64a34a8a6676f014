//! Queries and scans: what one means, whatever its spelling, and what it must show of a row.

mod reading;
mod spelling;

use std::fmt;

use model::Number;
use serde_json::Value;

use crate::{
    indexes::{Design, INDEXES, IndexNumber, Kind, only},
    keys::{Attributes, TABLES},
};

/// A query, or a scan, which is one without conditions on keys.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Query {
    pub(crate) table: usize,
    pub(crate) index: Option<IndexNumber>,
    /// What key attributes must be, by name; nothing at all for a scan.
    pub(crate) keys: Vec<KeyTest>,
    /// The filter: `v` must be above this.
    pub(crate) above: Option<Value>,
    pub(crate) select: Select,
    pub(crate) limit: Option<usize>,
    pub(crate) start: Option<Attributes>,
    pub(crate) direction: Direction,
    pub(crate) is_strong: bool,
    /// Which of so many segments a scan reads.
    pub(crate) segment: Option<(u64, u64)>,
    /// What it wants to know of its consumption.
    pub(crate) capacity: Option<&'static str>,
}

/// What a key attribute must be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeyTest {
    pub(crate) name: &'static str,
    pub(crate) test: Test,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    Is(Value),
    Below(Value),
    Between(Value, Value),
}

/// What is wanted of the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Select {
    Whole,
    Attributes(Vec<&'static str>),
    Count,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Backward,
}

/// Where rows stand: the values of the attributes that order them.
pub(crate) type Position = Vec<Place>;

/// A value of a key attribute, in DynamoDB's order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Number(Number),
    Text(String),
}

/// A row that a query comes across.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) position: Position,
    /// Whether the filter lets it through.
    pub(crate) passes: bool,
}

impl Query {
    pub(crate) fn is_scan(&self) -> bool {
        self.keys.is_empty()
    }

    pub(crate) fn is_global(&self) -> bool {
        self.index.is_some_and(|index| INDEXES[index].kind == Kind::Global)
    }

    /// Whether an index of this design, or a table, can answer it at all.
    pub(crate) fn fits(&self, design: &Design) -> bool {
        let tests = |(name, kind): (&str, &str)| {
            let test = self.keys.iter().find(|test| test.name == name)?;
            test.values().all(|value| value.get(kind).is_some()).then_some(&test.test)
        };
        let has_right_keys = match (tests(design.partition), design.sort.and_then(tests)) {
            (Some(Test::Is(_)), None) => self.keys.len() == 1,
            (Some(Test::Is(_)), Some(_)) => self.keys.len() == 2,
            _ => self.is_scan(),
        };
        let starts_at_a_row = self.start.as_ref().is_none_or(|start| {
            let names = design.ordering(self.table);
            start.len() == names.len() && names.iter().all(|name| start.contains_key(*name))
        });
        // DynamoDB: what a global index does not hold cannot be asked of it.
        let asks_for_what_is_there = match &self.select {
            Select::Attributes(names) if self.is_global() => {
                names.iter().all(|name| design.projects(self.table, name))
            }
            _ => true,
        };
        has_right_keys && starts_at_a_row && asks_for_what_is_there
    }

    /// The row that an item is to it, if it is in the index, meets the conditions and is not before the start.
    pub(crate) fn row(&self, design: &Design, item: &Attributes) -> Option<Row> {
        let position = position(&design.ordering(self.table), item)?;
        let meets = self.keys.iter().all(|test| test.test.is_met(&item[test.name]));
        let is_ours = meets && self.segment.is_none_or(|segment| is_in_segment(&position[0], segment));
        let start = self.start.as_ref().and_then(|start| self.position_of_key(design, start));
        let is_after = start.is_none_or(|start| self.direction.comes_first(&start, &position));
        let passes = match (&self.above, item.get("v")) {
            (None, _) => true,
            (Some(least), Some(v)) if design.projects(self.table, "v") => place(v) > place(least),
            _ => false,
        };
        (is_ours && is_after).then_some(Row { position, passes })
    }

    /// Where a key stands that a page starts after or ends with.
    pub(crate) fn position_of_key(&self, design: &Design, key: &Attributes) -> Option<Position> {
        position(&design.ordering(self.table), key)
    }

    /// What it shows of an item.
    pub(crate) fn show(&self, design: &Design, item: &Attributes) -> Attributes {
        match &self.select {
            Select::Attributes(names) => only(item, names.iter().copied()),
            Select::Whole | Select::Count => {
                only(item, item.keys().map(String::as_str).filter(|name| design.projects(self.table, name)))
            }
        }
    }
}

impl fmt::Display for Query {
    /// What differs from the simplest query.
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Query { table, keys, above, select, limit, start, segment, .. } = self;
        write!(to, "{} {}", if self.is_scan() { "Scan" } else { "Query" }, TABLES[*table].name)?;
        if let Some(index) = self.index {
            write!(to, " by {:?}", INDEXES[index].name)?;
        }
        for KeyTest { name, test } in keys {
            match test {
                Test::Is(value) => write!(to, " {name} = {value}")?,
                Test::Below(bound) => write!(to, " {name} < {bound}")?,
                Test::Between(low, high) => write!(to, " {name} from {low} to {high}")?,
            }
        }
        above.iter().try_for_each(|least| write!(to, " if v > {least}"))?;
        if *select != Select::Whole {
            write!(to, " {select:?}")?;
        }
        limit.iter().try_for_each(|limit| write!(to, " limit {limit}"))?;
        start.iter().try_for_each(|start| write!(to, " after {}", Value::Object(start.clone())))?;
        segment.iter().try_for_each(|(segment, total)| write!(to, " segment {segment} of {total}"))?;
        to.write_str(if self.direction == Direction::Backward { " backward" } else { "" })?;
        to.write_str(if self.is_strong { " strongly" } else { "" })?;
        self.capacity.iter().try_for_each(|capacity| write!(to, " capacity {capacity}"))
    }
}

impl KeyTest {
    pub(crate) fn values(&self) -> impl Iterator<Item = &Value> {
        let (first, second) = match &self.test {
            Test::Is(value) | Test::Below(value) => (value, None),
            Test::Between(low, high) => (low, Some(high)),
        };
        std::iter::once(first).chain(second)
    }
}

impl Test {
    /// Between two values, whichever is the lower.
    pub(crate) fn between(one: Value, other: Value) -> Test {
        match place(&one) <= place(&other) {
            true => Test::Between(one, other),
            false => Test::Between(other, one),
        }
    }

    fn is_met(&self, value: &Value) -> bool {
        let value = place(value);
        match self {
            Test::Is(wanted) => value == place(wanted),
            Test::Below(bound) => value < place(bound),
            Test::Between(low, high) => (place(low)..=place(high)).contains(&value),
        }
    }
}

impl Direction {
    /// Whether one position comes before another.
    pub(crate) fn comes_first(self, one: &Position, other: &Position) -> bool {
        match self {
            Direction::Forward => one < other,
            Direction::Backward => one > other,
        }
    }
}

fn position(names: &[&str], attributes: &Attributes) -> Option<Position> {
    names.iter().map(|name| Some(place(attributes.get(*name)?))).collect()
}

fn place(value: &Value) -> Place {
    match (value["N"].as_str(), value["S"].as_str()) {
        (Some(number), _) => Place::Number(Number::parse(number).expect("numbers are written as such")),
        (None, Some(text)) => Place::Text(text.to_owned()),
        (None, None) => unreachable!("only numbers and texts are keys: {value}"),
    }
}

/// Partitions are spread over segments, whatever their order.
fn is_in_segment(partition: &Place, (segment, total): (u64, u64)) -> bool {
    let text = match partition {
        Place::Number(number) => number.to_text(),
        Place::Text(text) => text.clone(),
    };
    text.bytes().map(u64::from).sum::<u64>() % total == segment
}

#[cfg(test)]
mod tests {
    use base::Chance;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_spelling_means_the_same() {
        let chance = Chance::seeded(1);
        let number = |text: &str| json!({ "N": text });
        let partition = KeyTest { name: "p", test: Test::Is(json!({ "S": "x" })) };
        let sorts =
            [Test::Is(number("2")), Test::Below(number("-0.5")), Test::Between(number("1"), number("1500"))];
        for test in sorts {
            let query = Query {
                table: 2,
                index: Some(1),
                keys: vec![partition.clone(), KeyTest { name: "v", test }],
                above: Some(number("20")),
                select: Select::Attributes(vec!["p", "s", "v"]),
                limit: Some(2),
                start: json!({ "p": { "S": "x" }, "v": number("7"), "s": number("1") }).as_object().cloned(),
                direction: Direction::Backward,
                is_strong: true,
                segment: None,
                capacity: Some("INDEXES"),
            };
            let spellings: Vec<Value> = (0..200).map(|_| query.ask(&chance)).collect();
            assert!(spellings.iter().all(|request| Query::asked(request) == query), "{query}");
            let different: std::collections::HashSet<String> =
                spellings.iter().map(Value::to_string).collect();
            assert!(different.len() > 100, "{} spellings of {query}", different.len());
        }
    }
}
