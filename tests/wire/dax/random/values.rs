//! Keys, values and items. There are few of each, so that requests meet.

use serde_json::{Map, Value, json};

use super::{super::tables::Table, Random};

/// Attributes that are no key of the table, with the type that they mostly have. The last three are keys of indexes.
pub(super) const ATTRIBUTES: [(&str, &str); 15] = [
    ("a", "S"),
    ("n", "N"),
    ("b", "B"),
    ("t", "BOOL"),
    ("z", "NULL"),
    ("l", "L"),
    ("m", "M"),
    ("ss", "SS"),
    ("ns", "NS"),
    ("bs", "BS"),
    ("size", "N"),
    ("\u{e9}\u{1f600}", "S"),
    ("genre", "S"),
    ("year", "N"),
    ("label", "B"),
];
/// Of those, the keys of indexes.
const INDEXED: [&str; 3] = ["genre", "year", "label"];

const NUMBERS: [&str; 16] = [
    "0",
    "1",
    "-1",
    "2",
    "100",
    "1.5",
    "-0.25",
    "0.1",
    "9007199254740993",
    "18446744073709551616",
    "-9223372036854775808",
    "12345678901234567890123456789012345678",
    "9.9999999999999999999999999999999999999E+125",
    "-1E-130",
    "3.1415926535897932384626433832795028841",
    "0.000001",
];
const TEXTS: [&str; 8] = ["a", "b", "ab", "abc", "\u{e9}", "\u{1f600}\u{ff41}", "0", "zz top"];
/// In base64.
const BINARIES: [&str; 6] = ["AA==", "AAE=", "/w==", "YWI=", "AAECAwQFBgcICQ==", "gICA"];

impl Random {
    pub(super) fn key_value(&self, of: char) -> Value {
        // Few, so that requests meet.
        match of {
            'S' => json!({ "S": self.one(&TEXTS[..4]) }),
            'N' => {
                json!({ "N": self.one(&["0", "1", "-1.5", "100", "12345678901234567890123456789012345678", "-1E-130"]) })
            }
            _ => json!({ "B": self.one(&BINARIES[..4]) }),
        }
    }

    pub(super) fn key(&self, table: &Table) -> Value {
        table
            .key
            .iter()
            .map(|&(name, of)| (name.to_owned(), self.key_value(of)))
            .collect::<Map<_, _>>()
            .into()
    }

    pub(super) fn set(&self, of: &[&str]) -> Value {
        let mut set: Vec<&str> = (0..=self.chance.below(3)).map(|_| self.one(of)).collect();
        set.sort_unstable();
        set.dedup();
        json!(set)
    }

    pub(super) fn value(&self, of: &str, levels: u32) -> Value {
        match of {
            "S" => json!({ "S": self.one(&TEXTS) }),
            "N" => json!({ "N": self.one(&NUMBERS) }),
            "B" => json!({ "B": self.one(&BINARIES) }),
            "BOOL" => json!({ "BOOL": self.happens(50) }),
            "NULL" => json!({ "NULL": true }),
            "SS" => json!({ "SS": self.set(&TEXTS) }),
            "NS" => json!({ "NS": self.set(&NUMBERS) }),
            "BS" => json!({ "BS": self.set(&BINARIES) }),
            "L" => {
                let length = self.chance.below(4);
                json!({ "L": (0..length).map(|_| self.any_value(levels + 1)).collect::<Vec<_>>() })
            }
            _ => {
                let mut map = Map::new();
                for name in ["a", "b", "l", "k.with.dots"] {
                    if self.happens(50) {
                        map.insert(name.to_owned(), self.any_value(levels + 1));
                    }
                }
                json!({ "M": map })
            }
        }
    }

    pub(super) fn any_value(&self, levels: u32) -> Value {
        let types = ["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"];
        self.value(self.one(if levels < 4 { &types } else { &types[..8] }), levels)
    }

    /// For an attribute: mostly of the type that it mostly has.
    pub(super) fn value_for(&self, name: &str, of: &str) -> Value {
        match of {
            _ if INDEXED.contains(&name) && !self.happens(2) => self.key_value(of.chars().next().unwrap()),
            _ if self.happens(10) => self.any_value(0),
            _ => self.value(of, 0),
        }
    }

    pub(super) fn item(&self, table: &Table) -> Value {
        let mut item = self.key(table);
        for (name, of) in ATTRIBUTES {
            if self.happens(40) {
                item[name] = self.value_for(name, of);
            }
        }
        item
    }
}
