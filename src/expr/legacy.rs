//! The parameters from before there were expressions, to the same conditions, updates and key conditions.
//! (AttributesToGet is `Projection::from_attributes`.)
//!
//! DynamoDB: the order of checks is that of dynalite, whose tests were recorded from the service.
//! Attributes are named in full: a dot in a name is just a dot.

use std::sync::Arc;

use model::AttributeValue;

use crate::ast::Comparator;
use crate::condition::{Condition, Operand, Rule, Source, Test, compare_in_order};
use crate::path::{DocumentPath, PathTree};
use crate::update::{Action, Assigned, Dialect, Update, is_set};
use crate::{ExprError, KeyCondition, KeyTest, LegacyFault};

/// `ComparisonOperator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComparisonOperator {
    Equal,
    NotEqual,
    AtMost,
    Less,
    AtLeast,
    More,
    /// That there is an attribute, even if it is a NULL.
    NotNull,
    Null,
    Contains,
    NotContains,
    BeginsWith,
    In,
    Between,
}

/// `ConditionalOperator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionalOperator {
    And,
    Or,
}

/// What QueryFilter, ScanFilter or KeyConditions ask of one attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterCondition {
    pub operator: ComparisonOperator,
    /// AttributeValueList.
    pub values: Vec<AttributeValue>,
}

/// What Expected asks of one attribute: `None` is what was not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    pub value: Option<AttributeValue>,
    pub exists: Option<bool>,
    pub operator: Option<ComparisonOperator>,
    /// AttributeValueList.
    pub values: Option<Vec<AttributeValue>>,
}

/// `Action` of AttributeUpdates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpdateAction {
    #[default]
    Put,
    Add,
    Delete,
}

/// What AttributeUpdates do to one attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeUpdate {
    pub action: UpdateAction,
    pub value: Option<AttributeValue>,
}

impl ComparisonOperator {
    const NAMES: [(ComparisonOperator, &'static str); 13] = [
        (ComparisonOperator::Equal, "EQ"),
        (ComparisonOperator::NotEqual, "NE"),
        (ComparisonOperator::AtMost, "LE"),
        (ComparisonOperator::Less, "LT"),
        (ComparisonOperator::AtLeast, "GE"),
        (ComparisonOperator::More, "GT"),
        (ComparisonOperator::NotNull, "NOT_NULL"),
        (ComparisonOperator::Null, "NULL"),
        (ComparisonOperator::Contains, "CONTAINS"),
        (ComparisonOperator::NotContains, "NOT_CONTAINS"),
        (ComparisonOperator::BeginsWith, "BEGINS_WITH"),
        (ComparisonOperator::In, "IN"),
        (ComparisonOperator::Between, "BETWEEN"),
    ];

    /// As a request writes it; case matters.
    pub fn parse(name: &str) -> Option<ComparisonOperator> {
        ComparisonOperator::NAMES
            .iter()
            .find(|(_operator, known)| *known == name)
            .map(|&(operator, _)| operator)
    }

    pub fn as_str(self) -> &'static str {
        let row = ComparisonOperator::NAMES.iter().find(|(operator, _name)| *operator == self);
        row.expect("every operator has a row").1
    }

    fn takes(self, count: usize) -> bool {
        match self {
            ComparisonOperator::NotNull | ComparisonOperator::Null => count == 0,
            ComparisonOperator::In => count > 0,
            ComparisonOperator::Between => count == 2,
            _ => count == 1,
        }
    }

    /// DynamoDB: EQ and NE take all types (Alternator's test_query_filter.py), though dynalite's table is
    /// shorter; CONTAINS takes no documents and no sets, other than the function of the same name.
    fn takes_type(self, value: &AttributeValue) -> bool {
        use AttributeValue::{B, Bool, N, Null, S};
        match self {
            ComparisonOperator::Equal | ComparisonOperator::NotEqual => true,
            ComparisonOperator::NotNull | ComparisonOperator::Null => true,
            ComparisonOperator::Contains | ComparisonOperator::NotContains => {
                matches!(value, S(_) | N(_) | B(_) | Bool(_) | Null)
            }
            ComparisonOperator::BeginsWith => matches!(value, S(_) | B(_)),
            ComparisonOperator::AtMost
            | ComparisonOperator::Less
            | ComparisonOperator::AtLeast
            | ComparisonOperator::More
            | ComparisonOperator::In
            | ComparisonOperator::Between => matches!(value, S(_) | N(_) | B(_)),
        }
    }
}

impl Condition {
    /// QueryFilter or ScanFilter; `None` if it asks for nothing.
    ///
    /// # Errors
    /// The first fault.
    pub fn from_filter(
        filter: &[(String, FilterCondition)],
        operator: Option<ConditionalOperator>,
    ) -> Result<Option<Condition>, ExprError> {
        check_conditional_operator(operator, filter.len())?;
        for (_attribute, condition) in filter {
            check_values(condition.operator, &condition.values)?;
        }
        let mut rules = Rules::default();
        for (attribute, condition) in filter {
            rules.ask(attribute, condition.operator, &condition.values);
        }
        Ok(rules.combined(operator))
    }

    /// Expected; `None` if it asks for nothing.
    ///
    /// # Errors
    /// The first fault.
    pub fn from_expected(
        expected: &[(String, Expectation)],
        operator: Option<ConditionalOperator>,
    ) -> Result<Option<Condition>, ExprError> {
        check_conditional_operator(operator, expected.len())?;
        let mut rules = Rules::default();
        for (attribute, expectation) in expected {
            let (operator, values) = expectation.checked(attribute)?;
            rules.ask(attribute, operator, values);
        }
        Ok(rules.combined(operator))
    }
}

/// DynamoDB: captured by ExtendDB's authors.
fn check_conditional_operator(
    operator: Option<ConditionalOperator>,
    count: usize,
) -> Result<(), LegacyFault> {
    match (operator, count) {
        (Some(_), 0) => Err(LegacyFault::OperatorWithoutConditions),
        (Some(_), 1) => Err(LegacyFault::OperatorForOneCondition),
        _ => Ok(()),
    }
}

impl Expectation {
    /// The operator it comes down to, with its arguments.
    fn checked(&self, attribute: &str) -> Result<(ComparisonOperator, &[AttributeValue]), LegacyFault> {
        let name = || attribute.to_owned();
        if self.value.is_some() && self.values.is_some() {
            return Err(LegacyFault::ValueAndList(name()));
        }
        match self.operator {
            Some(_) if self.exists.is_some() => Err(LegacyFault::ExistsAndOperator(name())),
            Some(operator) => self.with_operator(operator, attribute),
            None if self.values.is_some() => Err(LegacyFault::ListAlone(name())),
            None => self.without_operator(attribute),
        }
    }

    fn with_operator(
        &self,
        operator: ComparisonOperator,
        attribute: &str,
    ) -> Result<(ComparisonOperator, &[AttributeValue]), LegacyFault> {
        let values = match (&self.values, &self.value) {
            (Some(values), _) => values.as_slice(),
            (None, Some(value)) => std::slice::from_ref(value),
            (None, None) if operator.takes(0) => &[],
            (None, None) => {
                return Err(LegacyFault::OperatorAlone {
                    operator: operator.as_str(),
                    attribute: attribute.to_owned(),
                });
            }
        };
        check_values(operator, values)?;
        Ok((operator, values))
    }

    fn without_operator(
        &self,
        attribute: &str,
    ) -> Result<(ComparisonOperator, &[AttributeValue]), LegacyFault> {
        let alone = |exists| LegacyFault::ExistsAlone { exists, attribute: attribute.to_owned() };
        match (self.exists, &self.value) {
            (None | Some(true), Some(value)) => Ok((ComparisonOperator::Equal, std::slice::from_ref(value))),
            (None, None) => Err(alone("null")),
            (Some(true), None) => Err(alone("true")),
            (Some(false), Some(_)) => Err(LegacyFault::ValueThoughAbsent(attribute.to_owned())),
            (Some(false), None) => Ok((ComparisonOperator::Null, &[])),
        }
    }
}

fn check_values(operator: ComparisonOperator, values: &[AttributeValue]) -> Result<(), LegacyFault> {
    if !operator.takes(values.len()) {
        return Err(LegacyFault::ArgumentCount(operator.as_str()));
    }
    let mut types = values.iter().map(AttributeValue::type_name);
    let first = types.next();
    if types.any(|other| Some(other) != first) {
        return Err(LegacyFault::ArgumentsOfTwoTypes);
    }
    if let Some(wrong) = values.iter().find(|value| !operator.takes_type(value)) {
        let (operator, found) = (operator.as_str(), wrong.type_name());
        return Err(LegacyFault::ArgumentType { operator, found });
    }
    match (operator, values) {
        (ComparisonOperator::Between, [low, high])
            if compare_in_order(low, high).is_some_and(|order| order.is_gt()) =>
        {
            Err(LegacyFault::BoundsReversed)
        }
        _ => Ok(()),
    }
}

/// The rules of a condition as it grows.
#[derive(Default)]
struct Rules {
    rules: Vec<Rule>,
    /// One per attribute.
    tops: Vec<usize>,
}

impl Rules {
    fn add(&mut self, rule: Rule) -> usize {
        self.rules.push(rule);
        self.rules.len() - 1
    }

    fn ask(&mut self, attribute: &str, operator: ComparisonOperator, values: &[AttributeValue]) {
        let path = || DocumentPath::new(attribute.to_owned(), Vec::new());
        let here = || Operand::Source(Source::Path(path()));
        let value = |place: usize| Operand::Source(Source::Value(Arc::new(values[place].clone())));
        let compare = |comparator| Test::Compare(comparator, here(), value(0));
        let test = match operator {
            ComparisonOperator::Equal => compare(Comparator::Equal),
            ComparisonOperator::NotEqual => compare(Comparator::NotEqual),
            ComparisonOperator::AtMost => compare(Comparator::AtMost),
            ComparisonOperator::Less => compare(Comparator::Less),
            ComparisonOperator::AtLeast => compare(Comparator::AtLeast),
            ComparisonOperator::More => compare(Comparator::More),
            ComparisonOperator::NotNull => Test::Exists(path()),
            ComparisonOperator::Null => Test::NotExists(path()),
            ComparisonOperator::Contains | ComparisonOperator::NotContains => {
                Test::Contains(here(), value(0))
            }
            ComparisonOperator::BeginsWith => Test::BeginsWith(here(), value(0)),
            ComparisonOperator::In => Test::In(here(), (0..values.len()).map(value).collect()),
            ComparisonOperator::Between => Test::Between(here(), value(0), value(1)),
        };
        let mut top = self.add(Rule::Test(test));
        // DynamoDB: what does not exist does not "not contain" anything (Alternator's test_expected.py).
        if operator == ComparisonOperator::NotContains {
            let not = self.add(Rule::Not(top));
            let exists = self.add(Rule::Test(Test::Exists(path())));
            top = self.add(Rule::All(vec![exists, not]));
        }
        self.tops.push(top);
    }

    fn combined(mut self, operator: Option<ConditionalOperator>) -> Option<Condition> {
        if self.tops.is_empty() {
            return None;
        }
        let tops = std::mem::take(&mut self.tops);
        self.add(match operator {
            None | Some(ConditionalOperator::And) => Rule::All(tops),
            Some(ConditionalOperator::Or) => Rule::Any(tops),
        });
        Some(Condition::new(self.rules))
    }
}

impl KeyCondition {
    /// KeyConditions.
    ///
    /// # Errors
    /// The first fault.
    pub fn from_conditions(conditions: &[(String, FilterCondition)]) -> Result<KeyCondition, ExprError> {
        for (_attribute, condition) in conditions {
            check_values(condition.operator, &condition.values)?;
        }
        let tests = conditions.iter().map(|(attribute, condition)| (attribute.clone(), condition.key_test()));
        Ok(KeyCondition::new(tests.collect()))
    }
}

impl FilterCondition {
    fn key_test(&self) -> KeyTest {
        let value = |place: usize| Arc::new(self.values[place].clone());
        match self.operator {
            ComparisonOperator::Equal => KeyTest::Equal(value(0)),
            ComparisonOperator::AtMost => KeyTest::AtMost(value(0)),
            ComparisonOperator::Less => KeyTest::Less(value(0)),
            ComparisonOperator::AtLeast => KeyTest::AtLeast(value(0)),
            ComparisonOperator::More => KeyTest::More(value(0)),
            ComparisonOperator::BeginsWith => KeyTest::BeginsWith(value(0)),
            ComparisonOperator::Between => KeyTest::Between(value(0), value(1)),
            ComparisonOperator::NotEqual
            | ComparisonOperator::NotNull
            | ComparisonOperator::Null
            | ComparisonOperator::Contains
            | ComparisonOperator::NotContains
            | ComparisonOperator::In => KeyTest::NotIndexable,
        }
    }
}

impl Update {
    /// AttributeUpdates. Values are moved, not copied.
    ///
    /// # Errors
    /// The first fault.
    pub fn from_attribute_updates(updates: Vec<(String, AttributeUpdate)>) -> Result<Update, ExprError> {
        let mut actions = Vec::with_capacity(updates.len());
        for (attribute, update) in updates {
            actions.push((DocumentPath::new(attribute, Vec::new()), update.checked()?));
        }
        let touched = PathTree::of(actions.iter().enumerate().map(|(action, (path, _))| (path, action)));
        let touched = touched.expect("a map names an attribute once");
        Ok(Update::new(Dialect::AttributeUpdates, actions, touched))
    }
}

impl AttributeUpdate {
    fn checked(self) -> Result<Action, LegacyFault> {
        match (self.action, self.value.map(Arc::new)) {
            (UpdateAction::Delete, None) => Ok(Action::Remove),
            (UpdateAction::Put | UpdateAction::Add, None) => Err(LegacyFault::ActionWithoutValue),
            (UpdateAction::Put, Some(value)) => Ok(Action::Set(Assigned::Value(value))),
            (UpdateAction::Delete, Some(value)) if is_set(&value) => Ok(Action::Delete(value)),
            (UpdateAction::Delete, Some(value)) => Err(LegacyFault::DeleteType(value.type_name())),
            (UpdateAction::Add, Some(value)) => match value.as_ref() {
                AttributeValue::N(_) | AttributeValue::L(_) => Ok(Action::Add(value)),
                set if is_set(set) => Ok(Action::Add(value)),
                other => Err(LegacyFault::AddType(other.type_name())),
            },
        }
    }
}

#[cfg(test)]
mod tests;
