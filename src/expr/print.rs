//! What was bound, as expressions again: text and what its placeholders stand for, such that binding it gives
//! the same.
//!
//! A DAX client sends trees and DynamoDB takes text. The text is as short as it can be (no parentheses or spaces
//! that nobody needs, a short name where it may stand bare, one placeholder for what occurs again), since
//! DynamoDB takes no more than 4 KB of it, and what a client had written may have had nearly as many.

use std::collections::HashMap;
use std::sync::Arc;

use model::AttributeValue;

use crate::ast::Section;
use crate::condition::{Condition, Operand, Rule, Source, Test};
use crate::key_condition::{KeyCondition, KeyTest};
use crate::path::{DocumentPath, Step};
use crate::reserved::is_reserved;
use crate::token::is_word_byte;
use crate::update::{Action, Assigned, Update};
use crate::{Bound, Expressions, KeyFault, Projection};

/// The expressions of one request, with the placeholders that they share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Printed {
    pub condition: Option<String>,
    pub filter: Option<String>,
    pub key_condition: Option<String>,
    pub projection: Option<String>,
    pub update: Option<String>,
    /// ExpressionAttributeNames; a request that needs none has no such member.
    pub names: Vec<(String, String)>,
    /// ExpressionAttributeValues, likewise.
    pub values: Vec<(String, AttributeValue)>,
}

impl Printed {
    /// As they are bound.
    pub fn expressions(&self) -> Expressions<'_> {
        Expressions {
            condition: self.condition.as_deref(),
            filter: self.filter.as_deref(),
            key_condition: self.key_condition.as_deref(),
            projection: self.projection.as_deref(),
            update: self.update.as_deref(),
            names: (!self.names.is_empty()).then_some(&self.names),
            values: (!self.values.is_empty()).then_some(&self.values),
        }
    }
}

impl Bound {
    /// The expressions that this is bound from, or would be: what was made of the older parameters is printed
    /// too. An update of nothing has no text.
    ///
    /// # Errors
    /// If a key condition asks for what only the older parameters can ask for, and no key answers.
    pub fn print(&self) -> Result<Printed, KeyFault> {
        let mut printer = Printer::default();
        let condition = self.condition.as_ref().map(|condition| printer.condition(condition));
        let filter = self.filter.as_ref().map(|filter| printer.condition(filter));
        let key_condition =
            self.key_condition.as_ref().map(|condition| printer.key_condition(condition)).transpose()?;
        let projection = self.projection.as_ref().map(|projection| printer.projection(projection));
        let update =
            self.update.as_ref().map(|update| printer.update(update)).filter(|text| !text.is_empty());
        Ok(Printed { condition, filter, key_condition, projection, update, ..printer.placeholders() })
    }
}

/// Gives out placeholders while it prints.
#[derive(Default)]
pub(crate) struct Printer {
    names: Vec<(String, String)>,
    values: Vec<(String, Arc<AttributeValue>)>,
    /// Where a name is in `names`.
    known_names: HashMap<String, usize>,
    /// Where a value is in `values`, by where it lies: to compare values themselves may take long.
    known_values: HashMap<*const AttributeValue, usize>,
}

/// What a condition stands in, by how tightly that binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Within {
    /// Nothing, or the left side of an OR.
    Any,
    /// The right side of an OR, or the left side of an AND.
    All,
    /// The right side of an AND, or a NOT.
    Not,
    /// A comparison or a sum.
    Operand,
}

impl Printer {
    /// All that were given out, and no expressions.
    pub(crate) fn placeholders(self) -> Printed {
        let values = self.values.into_iter().map(|(key, value)| (key, value.as_ref().clone())).collect();
        Printed { names: self.names, values, ..Printed::default() }
    }

    fn condition(&mut self, condition: &Condition) -> String {
        let mut text = String::new();
        self.rule(condition, condition.root(), Within::Any, &mut text);
        text
    }

    /// As deep as the condition has operators, which `bind` limits.
    fn rule(&mut self, condition: &Condition, rule: &Rule, within: Within, text: &mut String) {
        let (inner, joint, binds) = match rule {
            Rule::Test(test) => return self.test(test, text),
            Rule::Not(inner) => {
                text.push_str("NOT ");
                return self.rule(condition, condition.rule(*inner), Within::Not, text);
            }
            Rule::All(inner) | Rule::Any(inner) if inner.len() == 1 => {
                return self.rule(condition, condition.rule(inner[0]), within, text);
            }
            Rule::All(inner) => (inner, " AND ", Within::All),
            Rule::Any(inner) => (inner, " OR ", Within::Any),
        };
        assert!(!inner.is_empty(), "a condition asks for something");
        let needs_parentheses = binds < within;
        if needs_parentheses {
            text.push('(');
        }
        for (place, &inner) in inner.iter().enumerate() {
            let within = match (place, binds) {
                (0, binds) => binds,
                (_, Within::Any) => Within::All,
                (_, Within::All | Within::Not | Within::Operand) => Within::Not,
            };
            if place > 0 {
                text.push_str(joint);
            }
            self.rule(condition, condition.rule(inner), within, text);
        }
        if needs_parentheses {
            text.push(')');
        }
    }

    fn test(&mut self, test: &Test, text: &mut String) {
        let printed = match test {
            Test::Compare(comparator, one, two) => {
                let (one, two) = (self.operand(one), self.operand(two));
                format!("{one}{}{two}", comparator.as_str())
            }
            Test::Between(value, low, high) => {
                let [value, low, high] = [value, low, high].map(|operand| self.operand(operand));
                format!("{value} BETWEEN {low} AND {high}")
            }
            Test::In(value, list) => {
                let value = self.operand(value);
                let list: Vec<String> = list.iter().map(|operand| self.operand(operand)).collect();
                format!("{value} IN ({})", list.join(","))
            }
            Test::Exists(path) => format!("attribute_exists({})", self.path(path)),
            Test::NotExists(path) => format!("attribute_not_exists({})", self.path(path)),
            Test::Type(operand, name) => {
                let operand = self.operand(operand);
                let name = self.value(&Arc::new(AttributeValue::S(name.as_str().to_owned())));
                format!("attribute_type({operand},{name})")
            }
            Test::BeginsWith(one, two) => {
                format!("begins_with({},{})", self.operand(one), self.operand(two))
            }
            Test::Contains(one, two) => format!("contains({},{})", self.operand(one), self.operand(two)),
        };
        text.push_str(&printed);
    }

    fn operand(&mut self, operand: &Operand) -> String {
        match operand {
            Operand::Source(source) => self.source(source),
            Operand::Size(source) => format!("size({})", self.source(source)),
        }
    }

    fn source(&mut self, source: &Source) -> String {
        match source {
            Source::Path(path) => self.path(path),
            Source::Value(value) => self.value(value),
        }
    }

    fn key_condition(&mut self, condition: &KeyCondition) -> Result<String, KeyFault> {
        let tests = condition.tests().map(|(attribute, test)| self.key_test(attribute, test));
        Ok(tests.collect::<Result<Vec<_>, _>>()?.join(" AND "))
    }

    fn key_test(&mut self, attribute: &str, test: &KeyTest) -> Result<String, KeyFault> {
        let name = self.name(attribute);
        Ok(match test {
            KeyTest::Equal(value) => format!("{name}={}", self.value(value)),
            KeyTest::Less(value) => format!("{name}<{}", self.value(value)),
            KeyTest::AtMost(value) => format!("{name}<={}", self.value(value)),
            KeyTest::More(value) => format!("{name}>{}", self.value(value)),
            KeyTest::AtLeast(value) => format!("{name}>={}", self.value(value)),
            KeyTest::Between(low, high) => {
                format!("{name} BETWEEN {} AND {}", self.value(low), self.value(high))
            }
            KeyTest::BeginsWith(prefix) => format!("begins_with({name},{})", self.value(prefix)),
            KeyTest::NotIndexable => return Err(KeyFault::NotIndexable),
        })
    }

    fn projection(&mut self, projection: &Projection) -> String {
        let paths: Vec<String> = projection.paths().iter().map(|path| self.path(path)).collect();
        paths.join(",")
    }

    /// Section by section, in the order in which each comes first.
    fn update(&mut self, update: &Update) -> String {
        let mut sections: Vec<(Section, Vec<String>)> = Vec::new();
        for (path, action) in update.actions() {
            let (section, printed) = self.action(path, action);
            match sections.iter_mut().find(|(known, _)| *known == section) {
                Some((_, actions)) => actions.push(printed),
                None => sections.push((section, vec![printed])),
            }
        }
        let section = |(section, actions): &(Section, Vec<String>)| {
            format!("{} {}", section.as_str(), actions.join(","))
        };
        sections.iter().map(section).collect::<Vec<_>>().join(" ")
    }

    fn action(&mut self, path: &DocumentPath, action: &Action) -> (Section, String) {
        let path = self.path(path);
        match action {
            Action::Set(assigned) => (Section::Set, format!("{path}={}", self.assigned(assigned))),
            Action::Remove => (Section::Remove, path),
            Action::Add(value) => (Section::Add, format!("{path} {}", self.value(value))),
            Action::Delete(value) => (Section::Delete, format!("{path} {}", self.value(value))),
        }
    }

    /// As deep as the update has functions, which `bind` limits.
    fn assigned(&mut self, assigned: &Assigned) -> String {
        match assigned {
            Assigned::Path(path) => self.path(path),
            Assigned::Value(value) => self.value(value),
            Assigned::IfNotExists(path, other) => {
                format!("if_not_exists({},{})", self.path(path), self.assigned(other))
            }
            Assigned::Joined(both) => {
                let [one, two] = both.as_ref();
                format!("list_append({},{})", self.assigned(one), self.assigned(two))
            }
            Assigned::Sum(sign, both) => {
                let [one, two] = both.as_ref();
                format!("{}{}{}", self.assigned(one), sign.as_str(), self.assigned(two))
            }
        }
    }

    pub(crate) fn path(&mut self, path: &DocumentPath) -> String {
        let mut text = self.name(path.attribute());
        for step in path.inside() {
            match step {
                Step::Member(name) => {
                    text.push('.');
                    text.push_str(&self.name(name));
                }
                Step::Index(index) => text.push_str(&format!("[{index}]")),
            }
        }
        text
    }

    /// The name itself if it may stand there and is not longer than its placeholder would be. All others are
    /// placeholders: then no service's list of reserved words matters.
    fn name(&mut self, name: &str) -> String {
        if let Some(&place) = self.known_names.get(name) {
            return self.names[place].0.clone();
        }
        let placeholder = placeholder('#', self.names.len());
        if name.len() <= placeholder.len() && may_stand_bare(name) {
            return name.to_owned();
        }
        self.known_names.insert(name.to_owned(), self.names.len());
        self.names.push((placeholder.clone(), name.to_owned()));
        placeholder
    }

    pub(crate) fn value(&mut self, value: &Arc<AttributeValue>) -> String {
        // What is known is kept in `values`, so nothing else comes to lie where it lies.
        let place = *self.known_values.entry(Arc::as_ptr(value)).or_insert_with(|| {
            self.values.push((placeholder(':', self.values.len()), Arc::clone(value)));
            self.values.len() - 1
        });
        self.values[place].0.clone()
    }
}

/// All that a placeholder may consist of behind its sign.
const PLACEHOLDER_BYTES: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";

/// The shortest ones first: a client that wrote thousands had none shorter.
fn placeholder(sign: char, mut place: usize) -> String {
    let mut name = Vec::new();
    loop {
        name.push(PLACEHOLDER_BYTES[place % PLACEHOLDER_BYTES.len()]);
        match place / PLACEHOLDER_BYTES.len() {
            0 => break,
            higher => place = higher - 1,
        }
    }
    let name = name.iter().rev().map(|&byte| char::from(byte));
    std::iter::once(sign).chain(name).collect()
}

fn may_stand_bare(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(is_word_byte)
        && !is_reserved(name)
}

#[cfg(test)]
mod tests;
