//! What the placeholders of a request stand for, and which of them were used.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::AttributeValue;
use model::limits::NESTING_LEVELS_MAX;

use crate::ast::{Name, Path, Step};
use crate::parse::LIST_INDEX_MAX;
use crate::path::{self, DocumentPath};
use crate::reserved::is_reserved;
use crate::token::is_word_byte;
use crate::{Fault, PlaceholderFault};

/// DynamoDB: developer guide, "Expression parameters" under quotas; the `#` or `:` counts.
const PLACEHOLDER_BYTES_MAX: usize = 255;
/// DynamoDB: the same page, for all names and values of a request together.
const SUBSTITUTIONS_BYTES_MAX: usize = 2 * 1024 * 1024;
/// DynamoDB: "Attribute name is too large, must be less than 65536 bytes".
const ATTRIBUTE_BYTES_MAX: usize = 65535;

pub(crate) struct Placeholders<'a> {
    names: HashMap<&'a str, &'a str>,
    /// Copied once, however often an expression refers to them.
    values: HashMap<&'a str, Arc<AttributeValue>>,
    /// In the order of the request.
    unused_names: Vec<&'a str>,
    unused_values: Vec<&'a str>,
    used: HashSet<String>,
}

impl<'a> Placeholders<'a> {
    pub(crate) fn new(
        names: Option<&'a [(String, String)]>,
        values: Option<&'a [(String, AttributeValue)]>,
    ) -> Result<Placeholders<'a>, PlaceholderFault> {
        if names.is_some_and(<[_]>::is_empty) {
            return Err(PlaceholderFault::NoNames);
        }
        let names = names.unwrap_or_default();
        names.iter().try_for_each(|(key, name)| check_name(key, name))?;
        if values.is_some_and(<[_]>::is_empty) {
            return Err(PlaceholderFault::NoValues);
        }
        let values = values.unwrap_or_default();
        values.iter().try_for_each(|(key, _value)| check_value_key(key))?;
        check_sizes(names, values)?;
        Ok(Placeholders {
            names: names.iter().map(|(key, name)| (key.as_str(), name.as_str())).collect(),
            values: values.iter().map(|(key, value)| (key.as_str(), Arc::new(value.clone()))).collect(),
            unused_names: names.iter().map(|(key, _name)| key.as_str()).collect(),
            unused_values: values.iter().map(|(key, _value)| key.as_str()).collect(),
            used: HashSet::new(),
        })
    }

    pub(crate) fn value(&mut self, placeholder: &str) -> Result<Arc<AttributeValue>, Fault> {
        let value = self.values.get(placeholder).cloned();
        self.used.insert(placeholder.to_owned());
        value.ok_or_else(|| Fault::UndefinedValue(placeholder.to_owned()))
    }

    pub(crate) fn path(&mut self, path: &Path<'_>) -> Result<DocumentPath, Fault> {
        let mut steps = Vec::with_capacity(path.len());
        for step in path {
            steps.push(match *step {
                Step::Member(name) => path::Step::Member(self.name(name)?.to_owned()),
                Step::Index(digits) => path::Step::Index(list_index(digits)?),
            });
        }
        // DynamoDB: a path may have 32 elements, the attribute's own name included (Alternator's
        // test_projection_expression.py, which its authors run against DynamoDB too).
        if steps.len() > NESTING_LEVELS_MAX {
            return Err(Fault::PathTooLong { levels: steps.len() });
        }
        let mut steps = steps.into_iter();
        let Some(path::Step::Member(attribute)) = steps.next() else {
            unreachable!("the parser begins a path with a member");
        };
        Ok(DocumentPath::new(attribute, steps.collect()))
    }

    fn name<'n>(&mut self, name: Name<'n>) -> Result<&'n str, Fault>
    where
        'a: 'n,
    {
        match name {
            Name::Bare(word) => Ok(word),
            Name::Placeholder(key) => {
                self.used.insert(key.to_owned());
                let name = self.names.get(key).copied();
                name.ok_or_else(|| Fault::UndefinedName(key.to_owned()))
            }
        }
    }

    /// DynamoDB: names before values; which order they are listed in is a hash table's.
    pub(crate) fn all_used(&self) -> Result<(), PlaceholderFault> {
        let unused = |keys: &[&str]| -> Vec<String> {
            keys.iter().filter(|&&key| !self.used.contains(key)).map(|&key| key.to_owned()).collect()
        };
        let (names, values) = (unused(&self.unused_names), unused(&self.unused_values));
        match (names.is_empty(), values.is_empty()) {
            (false, _) => Err(PlaceholderFault::UnusedNames(names)),
            (true, false) => Err(PlaceholderFault::UnusedValues(values)),
            (true, true) => Ok(()),
        }
    }
}

/// What is wrong with a path before anybody asks what its placeholders stand for.
pub(crate) fn check_words(path: &Path<'_>) -> Result<(), Fault> {
    path.iter().try_for_each(|step| match *step {
        // DynamoDB: reserved words are refused at any depth of a path, not just at its beginning.
        Step::Member(Name::Bare(word)) if is_reserved(word) => Err(Fault::ReservedWord(word.to_owned())),
        Step::Member(_) => Ok(()),
        Step::Index(digits) => list_index(digits).map(drop),
    })
}

pub(crate) fn list_index(digits: &str) -> Result<u32, Fault> {
    match digits.parse() {
        Ok(index @ ..=LIST_INDEX_MAX) => Ok(index),
        _ => Err(Fault::IndexOutOfRange(digits.to_owned())),
    }
}

/// DynamoDB: the length of a key before its form (captured by ExtendDB's authors).
fn check_name(key: &str, name: &str) -> Result<(), PlaceholderFault> {
    if key.len() > PLACEHOLDER_BYTES_MAX {
        return Err(PlaceholderFault::NameTooLong { bytes: key.len() });
    }
    if !is_placeholder(key, '#') {
        return Err(PlaceholderFault::NotAName(key.to_owned()));
    }
    match name.len() {
        0 => Err(PlaceholderFault::EmptyAttribute(key.to_owned())),
        1..=ATTRIBUTE_BYTES_MAX => Ok(()),
        _ => Err(PlaceholderFault::AttributeTooLong(key.to_owned())),
    }
}

fn check_value_key(key: &str) -> Result<(), PlaceholderFault> {
    if key.len() > PLACEHOLDER_BYTES_MAX {
        return Err(PlaceholderFault::ValueTooLong);
    }
    if !is_placeholder(key, ':') {
        return Err(PlaceholderFault::NotAValue(key.to_owned()));
    }
    Ok(())
}

/// DynamoDB: developer guide, "Expression attribute names": the sign, then letters, digits and underscores.
fn is_placeholder(text: &str, sign: char) -> bool {
    text.strip_prefix(sign).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_word_byte))
}

fn check_sizes(
    names: &[(String, String)],
    values: &[(String, AttributeValue)],
) -> Result<(), PlaceholderFault> {
    let names: usize = names.iter().map(|(key, name)| key.len() + name.len()).sum();
    let values: usize = values.iter().map(|(key, value)| key.len() + value.size()).sum();
    match SUBSTITUTIONS_BYTES_MAX {
        max if names > max => Err(PlaceholderFault::NamesTooLarge),
        max if values > max => Err(PlaceholderFault::ValuesTooLarge),
        max if names + values > max => Err(PlaceholderFault::TooLarge),
        _ => Ok(()),
    }
}
