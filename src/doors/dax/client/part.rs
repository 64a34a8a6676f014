//! Projected items: what lay at each path, put together as DynamoDB does.

use std::collections::BTreeMap;

use expr::{DocumentPath, Step};
use model::{AttributeValue, Item};

/// A part of an item of which not everything is known.
#[derive(Debug)]
pub(super) enum Part {
    Value(AttributeValue),
    Map(BTreeMap<String, Part>),
    /// By place; what is left out leaves no gap.
    List(BTreeMap<u32, Part>),
}

impl Default for Part {
    fn default() -> Part {
        Part::Map(BTreeMap::new())
    }
}

impl Part {
    /// Puts a value where a path leads, of a whole item.
    pub(super) fn put(&mut self, path: &DocumentPath, value: AttributeValue) {
        let first = Step::Member(path.attribute().to_owned());
        let mut part = self;
        for step in std::iter::once(&first).chain(path.inside()) {
            part = part.enter(step);
        }
        *part = Part::Value(value);
    }

    fn enter(&mut self, step: &Step) -> &mut Part {
        match step {
            Step::Member(name) => {
                if !matches!(self, Part::Map(_)) {
                    *self = Part::Map(BTreeMap::new());
                }
                let Part::Map(map) = self else { unreachable!("it is one by now") };
                map.entry(name.clone()).or_default()
            }
            Step::Index(place) => {
                if !matches!(self, Part::List(_)) {
                    *self = Part::List(BTreeMap::new());
                }
                let Part::List(list) = self else { unreachable!("it is one by now") };
                list.entry(*place).or_default()
            }
        }
    }

    fn value(self) -> AttributeValue {
        match self {
            Part::Value(value) => value,
            Part::Map(map) => AttributeValue::M(members(map)),
            Part::List(list) => AttributeValue::L(list.into_values().map(Part::value).collect()),
        }
    }

    pub(super) fn item(self) -> Item {
        match self {
            Part::Map(map) => members(map),
            Part::Value(_) | Part::List(_) => Item::new(),
        }
    }
}

fn members(map: BTreeMap<String, Part>) -> Item {
    map.into_iter().map(|(name, part)| (name, part.value())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lay_at_paths_lies_there_again_without_gaps() {
        let number = |text: &str| model::json::value_from_str(&format!(r#"{{"N":"{text}"}}"#)).unwrap();
        let member = |name: &str| Step::Member(name.to_owned());
        let mut whole = Part::default();
        whole.put(&DocumentPath::new("l".to_owned(), vec![Step::Index(7), member("k")]), number("7"));
        whole.put(&DocumentPath::new("l".to_owned(), vec![Step::Index(2)]), number("2"));
        whole.put(&DocumentPath::new("m".to_owned(), vec![member("a"), member("b")]), number("1"));
        let expected =
            r#"{"l":{"L":[{"N":"2"},{"M":{"k":{"N":"7"}}}]},"m":{"M":{"a":{"M":{"b":{"N":"1"}}}}}}"#;
        assert_eq!(whole.item(), model::json::item_from_slice(expected.as_bytes()).unwrap());
    }
}
