//! Sections of rules: whose they are, and which of them holds before which.

use std::fmt;

use super::{
    keys::{OPERATIONS, RULE_KEYS, Reach, RuleKey},
    quoted,
};

/// The operations that can read an index.
const OF_INDEXES: [&str; 2] = ["Query", "Scan"];

/// A section of rules: of a table or of all, of an index of it or of all of it, of an operation or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) table: Option<String>,
    pub(crate) index: Option<String>,
    pub(crate) operation: Option<&'static str>,
}

impl Place {
    pub(crate) fn of_operation(operation: &'static str) -> Place {
        Place { operation: Some(operation), ..Place::default() }
    }

    pub(crate) fn of_table(table: &str) -> Place {
        Place { table: Some(table.to_owned()), ..Place::default() }
    }

    pub(crate) fn with_index(&self, index: &str) -> Place {
        Place { index: Some(index.to_owned()), ..self.clone() }
    }

    pub(crate) fn with_operation(&self, operation: &'static str) -> Place {
        Place { operation: Some(operation), ..self.clone() }
    }

    /// The sections that have a word here, this one last: the later, the more specific.
    pub(crate) fn path(&self) -> Vec<Place> {
        let Place { table, index, operation } = self;
        let mut owners = vec![Place::default()];
        owners.extend(table.as_deref().map(Place::of_table));
        if let (Some(table), Some(index)) = (table, index) {
            owners.push(Place::of_table(table).with_index(index));
        }
        let sections = owners.into_iter().flat_map(|owner| {
            let of_operation = operation.map(|operation| owner.with_operation(operation));
            [Some(owner), of_operation].into_iter().flatten()
        });
        // What is nobody's is the section `[cache]`, whose keys are named one by one.
        sections.filter(|place| *place != Place::default()).collect()
    }

    /// The operations that can have a section within this one.
    pub(crate) fn operations(&self) -> &'static [&'static str] {
        match self {
            Place { operation: Some(_), .. } => &[],
            Place { index: Some(_), .. } => &OF_INDEXES,
            _ => &OPERATIONS,
        }
    }

    /// Whether indexes can have sections within this one.
    pub(crate) fn has_indexes(&self) -> bool {
        matches!(self, Place { table: Some(_), index: None, operation: None })
    }

    /// The keys that a section of this kind has.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static RuleKey> {
        let has_all = self.has_indexes();
        RULE_KEYS.iter().filter(move |key| has_all || key.reach == Reach::Everything)
    }
}

/// As in the header of a section.
impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.table {
            None => out.write_str("cache")?,
            Some(table) => write!(out, "tables.{}", quoted(table))?,
        }
        if let Some(index) = &self.index {
            write!(out, ".indexes.{}", quoted(index))?;
        }
        self.operation.map_or(Ok(()), |operation| write!(out, ".operations.{operation}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_specific_comes_later() {
        let check = |place: &Place, expected: &[&str]| {
            let path: Vec<String> = place.path().iter().map(Place::to_string).collect();
            assert_eq!(path, expected);
        };
        let music = Place::of_table("Music");
        check(&Place::default(), &[]);
        check(&Place::of_operation("Scan"), &["cache.operations.Scan"]);
        check(&music, &["tables.\"Music\""]);
        check(
            &music.with_index("ByYear").with_operation("Query"),
            &[
                "cache.operations.Query",
                "tables.\"Music\"",
                "tables.\"Music\".operations.Query",
                "tables.\"Music\".indexes.\"ByYear\"",
                "tables.\"Music\".indexes.\"ByYear\".operations.Query",
            ],
        );
    }

    #[test]
    fn a_section_has_the_keys_of_its_kind() {
        let has = |place: &Place, name: &str| place.keys().any(|key| key.name == name);
        let music = Place::of_table("Music");
        for place in [Place::of_operation("Scan"), music.with_index("I"), music.with_operation("Query")] {
            assert!(has(&place, "ttl") && !has(&place, "reserve"), "{place}");
            assert!(!place.has_indexes());
        }
        assert!(has(&music, "ttl") && has(&music, "reserve") && music.has_indexes());
    }
}
