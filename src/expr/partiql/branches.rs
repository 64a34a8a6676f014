//! Which items a condition can be true of, as far as that can be told from the attributes of a key.

use model::AttributeValue;

use crate::ast::Comparator;
use crate::condition::{Condition, Operand, Rule, RuleId, Source, Test};
use crate::key_condition::{KeyTest, key_test};

/// DynamoDB: how many it takes is not known; a statement has 8192 characters.
const BRANCHES_MAX: usize = 1000;

/// One of the cases that a condition consists of: items that are not in one of them do not meet it.
///
/// DynamoDB: a SELECT is decomposed into reads by the conditions on keys that its WHERE joins by AND and OR.
#[derive(Clone, Debug, Default)]
pub struct Branch {
    /// What is asked of the key's attributes: equalities of those of the partition, whatever is asked of the
    /// sort key.
    pub tests: Vec<(String, KeyTest)>,
    /// The attributes that it asks for otherwise.
    pub filters: Vec<String>,
    /// Whether it asks the sort key not to be something: then it may overlap with others.
    pub excludes: bool,
}

impl Condition {
    /// The cases of this condition by the attributes of a key; `None` if there are too many.
    pub fn branches(&self, partition: &[&str], sort: &[&str]) -> Option<Vec<Branch>> {
        let splitter = Splitter { condition: self, partition, sort };
        splitter.split(self.root())
    }

    /// What an attribute has to be equal to for this to hold; more than one value if it cannot hold.
    pub fn pinned(&self, attribute: &str) -> Vec<&AttributeValue> {
        let mut values: Vec<&AttributeValue> = Vec::new();
        let mut rules = vec![self.root()];
        while let Some(rule) = rules.pop() {
            match rule {
                Rule::All(ids) => rules.extend(ids.iter().map(|&id| self.rule(id))),
                Rule::Test(test) => {
                    if let Some(value) = equal_to(test, attribute)
                        && !values.contains(&value)
                    {
                        values.push(value);
                    }
                }
                Rule::Not(_) | Rule::Any(_) => {}
            }
        }
        values
    }
}

fn equal_to<'t>(test: &'t Test, attribute: &str) -> Option<&'t AttributeValue> {
    let Test::Compare(Comparator::Equal, one, two) = test else { return None };
    match (one, two) {
        (Operand::Source(Source::Path(path)), Operand::Source(Source::Value(value)))
        | (Operand::Source(Source::Value(value)), Operand::Source(Source::Path(path)))
            if !path.is_nested() && path.attribute() == attribute =>
        {
            Some(value)
        }
        _ => None,
    }
}

struct Splitter<'c> {
    condition: &'c Condition,
    partition: &'c [&'c str],
    sort: &'c [&'c str],
}

impl Splitter<'_> {
    fn split(&self, rule: &Rule) -> Option<Vec<Branch>> {
        match rule {
            Rule::Test(test) => Some(self.leaf(test).unwrap_or_else(|| vec![self.filter(rule)])),
            Rule::All(ids) => {
                let mut branches = vec![Branch::default()];
                for &id in ids {
                    branches = product(branches, self.split(self.condition.rule(id))?)?;
                }
                Some(branches)
            }
            Rule::Any(ids) if ids.iter().any(|&id| self.names_key(id)) => {
                let mut branches = Vec::new();
                for &id in ids {
                    branches.extend(self.split(self.condition.rule(id))?);
                }
                (branches.len() <= BRANCHES_MAX).then_some(branches)
            }
            Rule::Any(_) | Rule::Not(_) => Some(vec![self.filter(rule)]),
        }
    }

    /// The cases of a test of a key's attribute.
    fn leaf(&self, test: &Test) -> Option<Vec<Branch>> {
        let of = |attribute: &str, test| {
            let tests = vec![(attribute.to_owned(), test)];
            Branch { tests, ..Branch::default() }
        };
        if let Test::In(Operand::Source(Source::Path(path)), list) = test {
            let attribute = path.attribute();
            if path.is_nested() || !self.is_key(attribute) {
                return None;
            }
            return list
                .iter()
                .map(|operand| match operand {
                    Operand::Source(Source::Value(value)) => {
                        Some(of(attribute, KeyTest::Equal(value.clone())))
                    }
                    _ => None,
                })
                .collect();
        }
        let (attribute, test) = key_test(test).ok()?;
        let counts = match test {
            KeyTest::Equal(_) => self.is_key(&attribute),
            KeyTest::NotIndexable => false,
            _ => self.sort.contains(&attribute.as_str()),
        };
        counts.then(|| vec![of(&attribute, test)])
    }

    fn is_key(&self, attribute: &str) -> bool {
        self.partition.contains(&attribute) || self.sort.contains(&attribute)
    }

    fn names_key(&self, id: RuleId) -> bool {
        match self.condition.rule(id) {
            Rule::Test(test) => self.leaf(test).is_some(),
            Rule::All(ids) | Rule::Any(ids) => ids.iter().any(|&id| self.names_key(id)),
            Rule::Not(_) => false,
        }
    }

    /// What can only be told item by item.
    fn filter(&self, rule: &Rule) -> Branch {
        let mut filters = Vec::new();
        let mut rules = vec![rule];
        while let Some(rule) = rules.pop() {
            match rule {
                Rule::All(ids) | Rule::Any(ids) => {
                    rules.extend(ids.iter().map(|&id| self.condition.rule(id)));
                }
                Rule::Not(id) => rules.push(self.condition.rule(*id)),
                Rule::Test(test) => {
                    let mut paths = Vec::new();
                    test.collect_paths(&mut paths);
                    filters.extend(paths.into_iter().map(|path| path.attribute().to_owned()));
                }
            }
        }
        let excludes = filters.iter().any(|attribute| self.sort.contains(&attribute.as_str()));
        Branch { tests: Vec::new(), filters, excludes }
    }
}

/// Each case of the one together with each of the other.
fn product(one: Vec<Branch>, other: Vec<Branch>) -> Option<Vec<Branch>> {
    if one.len() * other.len() > BRANCHES_MAX {
        return None;
    }
    let both = |left: &Branch, right: &Branch| Branch {
        tests: [left.tests.as_slice(), &right.tests].concat(),
        filters: [left.filters.as_slice(), &right.filters].concat(),
        excludes: left.excludes || right.excludes,
    };
    Some(one.iter().flat_map(|left| other.iter().map(move |right| both(left, right))).collect())
}
