//! What was written, and where: default < file < environment < flag.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use toml::{Table, Value};

use super::{
    Mistake,
    keys::{KEYS, Key, Kind, Preset, VARIABLE_PREFIX},
    place::Place,
};

/// Between the members of a list, once it is text.
pub(crate) const LIST_SEPARATOR: &str = ",";

/// The names of sections within sections of rules.
const OPERATIONS: &str = "operations";
const INDEXES: &str = "indexes";

/// A value as text, and who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) source: Source,
}

/// Who wrote a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// Nobody.
    Default,
    /// Nobody; it was found out at start.
    Found(String),
    /// A file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A flag, or a test.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => out.write_str("default"),
            Source::Found(how) => write!(out, "default: {how}"),
            Source::File(path) => write!(out, "{}", path.display()),
            Source::Variable(name) => write!(out, "env {name}"),
            Source::Flag(name) => out.write_str(name),
        }
    }
}

/// Everything that may have something to say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    /// A file's path and content.
    pub(crate) file: Option<(PathBuf, String)>,
    /// The environment.
    pub(crate) variables: Vec<(String, String)>,
    /// Paths of keys and their values.
    pub(crate) flags: Vec<(&'static str, String)>,
    /// In bytes, where it is known.
    pub(crate) memory_limit: Option<u64>,
}

/// For every key the last word on it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layers {
    values: BTreeMap<&'static str, Written>,
    rules: BTreeMap<Place, BTreeMap<&'static str, Written>>,
}

impl Layers {
    /// Merges what everybody wrote; what cannot be a setting is added to `mistakes`.
    pub(crate) fn merge(sources: &Sources, mistakes: &mut Vec<Mistake>) -> Layers {
        let mut layers = Layers::default();
        layers.add_defaults();
        if let Some((path, content)) = &sources.file {
            layers.add_file(&Source::File(path.clone()), content, mistakes);
        }
        layers.add_variables(&sources.variables, mistakes);
        for (path, text) in &sources.flags {
            let flag = Key::find(path).and_then(|key| key.flag).map_or(*path, |flag| flag.name);
            layers.set(path, text.clone(), Source::Flag(format!("--{flag}")));
        }
        layers
    }

    /// The last word on a key.
    pub(crate) fn value(&self, path: &str) -> Option<&Written> {
        self.values.get(path)
    }

    /// Sets a key over everything written before.
    pub(crate) fn set(&mut self, path: &'static str, text: String, source: Source) {
        self.values.insert(path, Written { text, source });
    }

    /// Sections of rules, with what was written in them.
    pub(crate) fn rules(&self) -> &BTreeMap<Place, BTreeMap<&'static str, Written>> {
        &self.rules
    }

    /// What a section of rules says of a key.
    pub(crate) fn rule(&self, place: &Place, key: &str) -> Option<&Written> {
        self.rules.get(place)?.get(key)
    }

    /// Sets a key of a section of rules over everything written before.
    pub(crate) fn set_rule(&mut self, place: Place, key: &'static str, text: String, source: Source) {
        self.rules.entry(place).or_default().insert(key, Written { text, source });
    }

    fn add_defaults(&mut self) {
        for key in KEYS {
            match key.preset {
                Preset::Value(text) => self.set(key.path, text.to_owned(), Source::Default),
                Preset::Found(_) => {}
            }
        }
    }

    fn add_file(&mut self, source: &Source, content: &str, mistakes: &mut Vec<Mistake>) {
        let whole = match content.parse::<Table>() {
            Ok(whole) => whole,
            Err(error) => return mistakes.push(Mistake::of_whole(source, error.to_string().trim_end())),
        };
        for (section, content) in whole {
            match content {
                Value::Table(tables) if section == "tables" => {
                    for (table, rules) in tables {
                        self.add_section(source, Place::of_table(&table), rules, mistakes);
                    }
                }
                Value::Table(mut keys) if is_section(&section) => {
                    if section == "cache" {
                        self.add_operations(source, &Place::default(), keys.remove(OPERATIONS), mistakes);
                    }
                    for (name, value) in keys {
                        self.add_key(source, &format!("{section}.{name}"), &value, mistakes);
                    }
                }
                Value::Table(_) => mistakes.push(Mistake::unknown(&section, source, sections())),
                _ => mistakes.push(Mistake::new(&section, source, "is not in a section")),
            }
        }
    }

    fn add_key(&mut self, source: &Source, path: &str, value: &Value, mistakes: &mut Vec<Mistake>) {
        let Some(key) = Key::find(path) else {
            return mistakes.push(Mistake::unknown(path, source, KEYS.iter().map(|key| key.path.to_owned())));
        };
        match text_of(value, key.kind) {
            Some(text) => self.set(key.path, text, source.clone()),
            None => mistakes.push(Mistake::new(path, source, wanted(key.kind))),
        }
    }

    /// Adds a section of rules, with the sections in it.
    fn add_section(&mut self, source: &Source, place: Place, section: Value, mistakes: &mut Vec<Mistake>) {
        let Value::Table(mut section) = section else {
            return mistakes.push(Mistake::new(&place.to_string(), source, "must be a section"));
        };
        if !place.operations().is_empty() {
            self.add_operations(source, &place, section.remove(OPERATIONS), mistakes);
        }
        if place.has_indexes() {
            self.add_indexes(source, &place, section.remove(INDEXES), mistakes);
        }
        let rules = self.rules.entry(place.clone()).or_default();
        for (name, value) in section {
            let path = format!("{place}.{name}");
            let Some(key) = place.keys().find(|key| key.name == name) else {
                let known = place.keys().map(|key| format!("{place}.{}", key.name));
                mistakes.push(Mistake::unknown(&path, source, known));
                continue;
            };
            match text_of(&value, key.kind) {
                Some(text) => {
                    rules.insert(key.name, Written { text, source: source.clone() });
                }
                None => mistakes.push(Mistake::new(&path, source, wanted(key.kind))),
            }
        }
    }

    fn add_operations(
        &mut self,
        source: &Source,
        owner: &Place,
        sections: Option<Value>,
        mistakes: &mut Vec<Mistake>,
    ) {
        for (name, section) in within(owner, OPERATIONS, sections, source, mistakes) {
            match owner.operations().iter().find(|operation| **operation == name) {
                Some(operation) => {
                    self.add_section(source, owner.with_operation(operation), section, mistakes);
                }
                None => {
                    let path = |name: &str| format!("{owner}.{OPERATIONS}.{name}");
                    let known = owner.operations().iter().map(|operation| path(operation));
                    mistakes.push(Mistake::unknown(&path(&name), source, known));
                }
            }
        }
    }

    fn add_indexes(
        &mut self,
        source: &Source,
        table: &Place,
        sections: Option<Value>,
        mistakes: &mut Vec<Mistake>,
    ) {
        for (name, section) in within(table, INDEXES, sections, source, mistakes) {
            self.add_section(source, table.with_index(&name), section, mistakes);
        }
    }

    fn add_variables(&mut self, variables: &[(String, String)], mistakes: &mut Vec<Mistake>) {
        for (name, text) in variables.iter().filter(|(name, _)| name.starts_with(VARIABLE_PREFIX)) {
            let source = Source::Variable(name.clone());
            match KEYS.iter().find(|key| key.variable() == *name) {
                Some(key) => self.set(key.path, text.clone(), source),
                None => mistakes.push(Mistake::unknown_variable(name, &source)),
            }
        }
    }
}

/// The sections within a section.
fn within(
    owner: &Place,
    name: &str,
    sections: Option<Value>,
    source: &Source,
    mistakes: &mut Vec<Mistake>,
) -> Table {
    match sections {
        None => Table::new(),
        Some(Value::Table(sections)) => sections,
        Some(_) => {
            mistakes.push(Mistake::new(&format!("{owner}.{name}"), source, "must be a section"));
            Table::new()
        }
    }
}

fn sections() -> impl Iterator<Item = String> {
    let of_keys = KEYS.iter().filter_map(|key| key.path.split_once('.'));
    of_keys.map(|(section, _)| section.to_owned()).chain(["tables".to_owned()])
}

fn is_section(name: &str) -> bool {
    sections().any(|section| section == name)
}

/// A value of a file as text. Quotes around a number, or their absence, are nobody's mistake.
fn text_of(value: &Value, kind: Kind) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(claim) => Some(claim.to_string()),
        Value::Array(members) if kind == Kind::List => {
            let texts: Option<Vec<&str>> = members.iter().map(Value::as_str).collect();
            Some(texts?.join(LIST_SEPARATOR))
        }
        Value::Array(_) | Value::Table(_) | Value::Datetime(_) => None,
    }
}

fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "must be text in quotes",
        Kind::Number => "must be a number",
        Kind::Claim => "must be true or false",
        Kind::List => "must be a list of texts in quotes",
    }
}
