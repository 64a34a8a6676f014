//! The tables and keys of the simulated world, and the ways in which clients write them.

use base::Chance;
use model::Number;
use serde_json::{Map, Value, json};

/// A JSON object: an item, or a part of one, as DynamoDB JSON.
pub(crate) type Attributes = Map<String, Value>;

/// A table of the world.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) partition: KeyAttribute,
    pub(crate) sort: Option<KeyAttribute>,
}

/// Name and type of a key attribute.
pub(crate) type KeyAttribute = (&'static str, &'static str);

/// A key by its place in [`KEYS`].
pub(crate) type KeyNumber = usize;

pub(crate) const TABLES: [Table; 3] = [
    Table { name: "Plain", partition: ("p", "S"), sort: None },
    Table { name: "Numbered", partition: ("p", "N"), sort: None },
    Table { name: "Sorted", partition: ("p", "S"), sort: Some(("s", "N")) },
];

/// The table of a key, and its attributes, each with all spellings that mean it. The first is canonical.
type Key = (usize, &'static [&'static str], &'static [&'static str]);

pub(crate) const KEYS: [Key; 12] = [
    (0, &["a"], &[]),
    (0, &["b"], &[]),
    (0, &["c"], &[]),
    (0, &["d"], &[]),
    (1, &["1", "1.0", "1e0", "+1", "01"], &[]),
    (1, &["20", "2e1", "20.00"], &[]),
    (1, &["-0.5", "-.5", "-5E-1"], &[]),
    (2, &["x"], &["1", "1.00"]),
    (2, &["x"], &["2"]),
    (2, &["y"], &["1", "10e-1"]),
    (2, &["x"], &["3", "3.0", "03"]),
    (2, &["y"], &["2", "+2"]),
];

/// The keys of a table.
pub(crate) fn keys_of(table: usize) -> impl Iterator<Item = KeyNumber> {
    (0..KEYS.len()).filter(move |key| KEYS[*key].0 == table)
}

/// The key attributes in some spelling.
pub(crate) fn spelled(key: KeyNumber, chance: &Chance) -> Attributes {
    let (table, partition, sort) = KEYS[key];
    let mut attributes = Attributes::new();
    let mut add = |(name, kind): KeyAttribute, spellings: &[&str]| {
        attributes.insert(name.to_owned(), json!({ kind: *pick(chance, spellings) }));
    };
    add(TABLES[table].partition, partition);
    if let Some(attribute) = TABLES[table].sort {
        add(attribute, sort);
    }
    attributes
}

/// The names of a table's key attributes.
pub(crate) fn key_names(table: usize) -> Vec<&'static str> {
    let Table { partition, sort, .. } = &TABLES[table];
    std::iter::once(partition).chain(sort).map(|(name, _)| *name).collect()
}

/// The key among the attributes of an item or key map, however it is spelled.
pub(crate) fn key_in(table: usize, attributes: &Attributes) -> KeyNumber {
    let text = |(name, kind): KeyAttribute| {
        let text = attributes[name][kind].as_str().expect("clients give key attributes of the right type");
        match kind {
            "N" => canonical(text),
            _ => text.to_owned(),
        }
    };
    let partition = text(TABLES[table].partition);
    let sort = TABLES[table].sort.map(text);
    let is_meant = |key: &KeyNumber| {
        let (_, partitions, sorts) = KEYS[*key];
        partitions[0] == partition && sorts.first().copied() == sort.as_deref()
    };
    keys_of(table).find(is_meant).expect("clients use the keys of the world")
}

/// A table by name or ARN.
pub(crate) fn table_named(name: &str) -> usize {
    let bare = name.rsplit('/').next().unwrap_or(name);
    TABLES.iter().position(|table| table.name == bare).expect("clients use the tables of the world")
}

/// The ARN of a table.
pub(crate) fn arn_of(table: usize) -> String {
    format!("arn:aws:dynamodb:eu-west-1:123456789012:table/{}", TABLES[table].name)
}

/// A number as the origin writes it.
pub(crate) fn canonical(number: &str) -> String {
    Number::parse(number).expect("clients write numbers").to_text()
}

/// One of several.
pub(crate) fn pick<'a, T>(chance: &Chance, from: &'a [T]) -> &'a T {
    &from[chance.below(from.len() as u64) as usize]
}
