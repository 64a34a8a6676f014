//! The constraints of the service model, checked all over a request before anything else is looked at.
//!
//! DynamoDB: up to ten violations are reported in one message, in the order of the members that the tables
//! of shapes have from recorded answers. A value that violates is quoted in front of its path.

use std::fmt::Write;

use super::echo::{Style, echo};
use super::shape::{Member, Shape, Structure};
use super::tree::Tree;
use crate::call::{ConditionalOperator, ReturnValues};
use crate::limits::{NAME_BYTES, TABLE_ARN_BYTES_MAX};
use crate::{ApiError, TableRef};

/// DynamoDB: seen by dynalite's authors.
const VIOLATIONS_MAX: usize = 10;

#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// How long a string is in characters, a list in elements, a map in members.
    LengthAtLeast(usize),
    LengthAtMost(usize),
    /// As [`Rule::LengthAtMost`] and [`Rule::AtLeast`], in the words of a layer of the service that neither
    /// quotes the value nor begins names in lower case.
    ///
    /// DynamoDB: seen of BatchGetItem's and Query's members (conformance suite), and since of the actions of a
    /// transaction (parity suite of DynamoDB, its captures of 2026-10-08) and of BatchGetItem's tables (the one of
    /// 2026-09-20).
    UnquotedLengthAtLeast(usize),
    UnquotedLengthAtMost(usize),
    UnquotedAtLeast(i64),
    AtLeast(i64),
    AtMost(i64),
    OneOf(&'static [&'static str]),
    /// The form of an index's name, and of a table's.
    Name,
    /// A table's name or ARN.
    Table,
    /// The same of a write of one item: that it is empty is said unquoted, and nothing beside it.
    TableOfWrite,
    /// What a write of one item may return; if it is said alone, nothing is said of other members.
    ///
    /// DynamoDB: `UPDATE_NEW` as it is there, and with no word of which member it is (parity suite, the capture of
    /// 2026-09-20).
    ReturnValues {
        is_said_alone: bool,
    },
    /// How several conditions are joined; if there are several, that it is none of the ways is said alone.
    ///
    /// DynamoDB: `ALL` as it is there, and of a Query not even counted (conformance suite, "Query -
    /// ConditionalOperator beside Select" and "Deep requests - legacy conditions").
    ConditionalOperator {
        is_counted: bool,
    },
    /// That the members of a map are named by tables.
    KeysAreTables(Style),
    /// As [`Rule::KeysAreTables`], but only said if nothing else is wrong.
    KeysAreTablesSaidLast(Style),
    /// That the values of a map have so many elements.
    ValueLengths {
        at_least: usize,
        at_most: usize,
    },
}

/// Checks a request that has the form of the structure.
///
/// # Errors
/// All violations in one message.
pub(super) fn check(request: &Tree, structure: &Structure) -> Result<(), ApiError> {
    let misses = |member: &Member| member.is_required && !request.has(member.name);
    let mut violations = Violations {
        misses_a_member: structure.members.iter().any(misses),
        has_several_conditions: ["Expected", "QueryFilter"].iter().any(|name| has_several(request.get(name))),
        ..Violations::default()
    };
    violations.members(request, structure, None);
    if let Some(bare) = violations.said_bare {
        return Err(ApiError::validation(bare));
    }
    let found = match (violations.said_alone, violations.found.is_empty()) {
        (Some(alone), _) => vec![alone],
        (None, true) => violations.said_last,
        (None, false) => violations.found,
    };
    match found.len() {
        0 => Ok(()),
        count => {
            let plural = if count == 1 { "" } else { "s" };
            let message = format!("{count} validation error{plural} detected: {}", found.join("; "));
            Err(ApiError::validation(message))
        }
    }
}

fn has_several(conditions: Option<&Tree>) -> bool {
    conditions.is_some_and(|conditions| conditions.members().len() > 1)
}

/// The way from the request to a value.
struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

enum Step<'a> {
    Member(&'a str),
    Key(&'a str),
    /// Counted from 1.
    Element(usize),
}

impl Path<'_> {
    /// DynamoDB: names of members begin in lower case, and what is in a list or map is its `member`.
    fn quoted(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, true);
        text
    }

    fn unquoted(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, false);
        text
    }

    fn write(&self, text: &mut String, in_lower_case: bool) {
        if let Some(parent) = self.parent {
            parent.write(text, in_lower_case);
            text.push('.');
        }
        match self.step {
            Step::Member(name) if in_lower_case => {
                let (first, rest) = name.split_at(1);
                text.push_str(&first.to_ascii_lowercase());
                text.push_str(rest);
            }
            Step::Member(name) => text.push_str(name),
            Step::Key(key) => {
                text.push_str(key);
                text.push_str(".member");
            }
            Step::Element(place) => {
                let _ = write!(text, "{place}.member");
            }
        }
    }
}

#[derive(Default)]
struct Violations {
    /// Then the newer layer of the service never sees the request.
    ///
    /// DynamoDB: conformance suite, "UpdateItem - member errors beside a missing Key".
    misses_a_member: bool,
    has_several_conditions: bool,
    found: Vec<String>,
    said_last: Vec<String>,
    said_alone: Option<String>,
    /// Alone, and not even counted.
    said_bare: Option<String>,
}

impl Violations {
    fn is_full(&self) -> bool {
        self.found.len() == VIOLATIONS_MAX
    }

    fn members(&mut self, object: &Tree, structure: &Structure, parent: Option<&Path<'_>>) {
        for member in structure.members {
            let path = Path { parent, step: Step::Member(member.name) };
            match object.get(member.name) {
                Some(value) => self.value(value, &member.shape, &path),
                None if member.is_required => self.add_null(&path),
                None => {}
            }
            if self.is_full() {
                return;
            }
        }
    }

    fn value(&mut self, value: &Tree, shape: &Shape, path: &Path<'_>) {
        match shape {
            Shape::String(rules) | Shape::Integer(rules) | Shape::Long(rules) => {
                self.rules(value, shape, rules, path);
            }
            Shape::List(of, rules) => {
                self.rules(value, shape, rules, path);
                for (place, element) in value.elements().iter().enumerate() {
                    self.element(element, of, &Path { parent: Some(path), step: Step::Element(place + 1) });
                    if self.is_full() {
                        return;
                    }
                }
            }
            Shape::Map(of, rules) => {
                self.rules(value, shape, rules, path);
                for (key, element) in value.members() {
                    self.element(element, of, &Path { parent: Some(path), step: Step::Key(key) });
                    if self.is_full() {
                        return;
                    }
                }
            }
            Shape::Structure(structure) => self.members(value, structure, Some(path)),
            Shape::Boolean | Shape::Blob | Shape::Value | Shape::Anything => {}
        }
    }

    fn element(&mut self, element: &Tree, shape: &Shape, path: &Path<'_>) {
        match (element, shape) {
            // An attribute value that is null is as good as an empty one, and that is said of values.
            (_, Shape::Value) => {}
            (Tree::Null, _) => self.add_null(path),
            _ => self.value(element, shape, path),
        }
    }

    fn add(&mut self, text: String) {
        if !self.is_full() {
            self.found.push(text);
        }
    }

    fn add_null(&mut self, path: &Path<'_>) {
        let path = path.quoted();
        self.add(format!("Value null at '{path}' failed to satisfy constraint: Member must not be null"));
    }

    fn rules(&mut self, value: &Tree, shape: &Shape, rules: &[Rule], path: &Path<'_>) {
        for rule in rules {
            match *rule {
                Rule::Table => {
                    for violated in table_violations(value) {
                        self.add(quoted(value, shape, Style::Java, path, &violated));
                    }
                }
                Rule::KeysAreTablesSaidLast(style) => {
                    if let Some(violated) = rule.violated(value) {
                        self.said_last.push(quoted(value, shape, style, path, &violated));
                    }
                }
                Rule::TableOfWrite if value.text() == Some("") && !self.misses_a_member => {
                    let violated = Rule::LengthAtLeast(1).to_text();
                    self.said_alone.get_or_insert_with(|| unquoted(path, &violated));
                }
                Rule::TableOfWrite => self.rules(value, shape, &[Rule::Table], path),
                Rule::ReturnValues { .. } if self.misses_a_member => {
                    self.rules(value, shape, &[Rule::OneOf(ReturnValues::NAMES)], path);
                }
                Rule::ReturnValues { is_said_alone } => {
                    let Some(violated) = rule.violated(value) else { continue };
                    let violated = format!("Failed to satisfy constraint: {violated}");
                    match is_said_alone {
                        true => drop(self.said_alone.get_or_insert(violated)),
                        false => self.add(violated),
                    }
                }
                Rule::ConditionalOperator { is_counted }
                    if self.has_several_conditions && !self.misses_a_member =>
                {
                    let Some(violated) = rule.violated(value) else { continue };
                    let violated = format!("Failed to satisfy constraint: {violated}");
                    let said = if is_counted { &mut self.said_alone } else { &mut self.said_bare };
                    said.get_or_insert(violated);
                }
                Rule::ConditionalOperator { .. } => {
                    self.rules(value, shape, &[Rule::OneOf(ConditionalOperator::NAMES)], path);
                }
                Rule::UnquotedLengthAtLeast(_) | Rule::UnquotedLengthAtMost(_) | Rule::UnquotedAtLeast(_) => {
                    if let Some(violated) = rule.violated(value) {
                        self.add(unquoted(path, &violated));
                    }
                }
                Rule::KeysAreTables(style) => {
                    if let Some(violated) = rule.violated(value) {
                        self.add(quoted(value, shape, style, path, &violated));
                    }
                }
                _ => {
                    if let Some(violated) = rule.violated(value) {
                        self.add(quoted(value, shape, Style::Java, path, &violated));
                    }
                }
            }
        }
    }
}

fn quoted(value: &Tree, shape: &Shape, style: Style, path: &Path<'_>, violated: &str) -> String {
    let (value, path) = (echo(value, shape, style), path.quoted());
    format!("Value '{value}' at '{path}' failed to satisfy constraint: {violated}")
}

fn unquoted(path: &Path<'_>, violated: &str) -> String {
    format!("Value at '{}' failed to satisfy constraint: {violated}", path.unquoted())
}

fn length(value: &Tree) -> usize {
    match value {
        Tree::Text(text) => text.chars().count(),
        Tree::List(elements) => elements.len(),
        Tree::Object(members) => members.len(),
        _ => 0,
    }
}

fn is_name(text: &str) -> bool {
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    !text.is_empty() && text.bytes().all(is_name_byte)
}

/// A plain name or an ARN.
fn is_table(text: &str) -> bool {
    text.len() <= TABLE_ARN_BYTES_MAX && TableRef::parse(text).is_some()
}

/// DynamoDB: the model says 1 to 1024 characters, for a table may be named by its ARN; what is no ARN is held
/// to the rules of a name. An empty name has one fault, a short one is only short (conformance suite).
fn table_violations(value: &Tree) -> Vec<String> {
    let Some(text) = value.text().filter(|text| !is_table(text)) else {
        return Vec::new();
    };
    let longest = match text.starts_with("arn:") {
        true => TABLE_ARN_BYTES_MAX,
        false => *NAME_BYTES.end(),
    };
    let rules = match text.is_empty() {
        true => vec![Rule::LengthAtLeast(1)],
        false => vec![Rule::Name, Rule::LengthAtLeast(*NAME_BYTES.start()), Rule::LengthAtMost(longest)],
    };
    rules.iter().filter_map(|rule| rule.violated(value)).collect()
}

impl Rule {
    /// What must be, if it is not.
    fn violated(&self, value: &Tree) -> Option<String> {
        (!self.is_met(value)).then(|| self.to_text())
    }

    fn is_met(&self, value: &Tree) -> bool {
        match *self {
            Rule::LengthAtLeast(min) | Rule::UnquotedLengthAtLeast(min) => length(value) >= min,
            Rule::LengthAtMost(max) | Rule::UnquotedLengthAtMost(max) => length(value) <= max,
            Rule::AtLeast(min) | Rule::UnquotedAtLeast(min) => {
                value.integer().is_none_or(|integer| integer >= min)
            }
            Rule::AtMost(max) => value.integer().is_none_or(|integer| integer <= max),
            Rule::OneOf(names) => value.text().is_none_or(|text| names.contains(&text)),
            Rule::Name => value.text().is_none_or(is_name),
            Rule::Table | Rule::TableOfWrite => table_violations(value).is_empty(),
            Rule::ReturnValues { .. } => Rule::OneOf(ReturnValues::NAMES).is_met(value),
            Rule::ConditionalOperator { .. } => Rule::OneOf(ConditionalOperator::NAMES).is_met(value),
            Rule::KeysAreTables(_) | Rule::KeysAreTablesSaidLast(_) => {
                value.members().iter().all(|(key, _)| is_table(key))
            }
            Rule::ValueLengths { at_least, at_most } => {
                value.members().iter().all(|(_, each)| (at_least..=at_most).contains(&length(each)))
            }
        }
    }

    fn to_text(self) -> String {
        match self {
            Rule::LengthAtLeast(min) | Rule::UnquotedLengthAtLeast(min) => {
                format!("Member must have length greater than or equal to {min}")
            }
            Rule::LengthAtMost(max) | Rule::UnquotedLengthAtMost(max) => {
                format!("Member must have length less than or equal to {max}")
            }
            Rule::AtLeast(min) | Rule::UnquotedAtLeast(min) => {
                format!("Member must have value greater than or equal to {min}")
            }
            Rule::AtMost(max) => format!("Member must have value less than or equal to {max}"),
            Rule::OneOf(names) => format!("Member must satisfy enum value set: [{}]", names.join(", ")),
            Rule::ReturnValues { .. } => {
                "Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]"
                    .to_owned()
            }
            Rule::ConditionalOperator { .. } => "Member must satisfy enum value set: [ALL, OR]".to_owned(),
            Rule::Name | Rule::Table | Rule::TableOfWrite => {
                "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+".to_owned()
            }
            Rule::KeysAreTables(_) | Rule::KeysAreTablesSaidLast(_) => {
                let [longest, shortest] =
                    [Rule::LengthAtMost(*NAME_BYTES.end()), Rule::LengthAtLeast(*NAME_BYTES.start())];
                let texts = [longest, shortest, Rule::Name].map(Rule::to_text);
                format!("Map keys must satisfy constraint: [{}]", texts.join(", "))
            }
            Rule::ValueLengths { at_least, at_most } => {
                let texts = [Rule::LengthAtMost(at_most), Rule::LengthAtLeast(at_least)].map(Rule::to_text);
                format!("Map value must satisfy constraint: [{}]", texts.join(", "))
            }
        }
    }
}
