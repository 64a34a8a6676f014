//! Conditions, filters and key conditions.
//!
//! DynamoDB: the order of checks is that of dynalite, whose tests were recorded from the service: first,
//! for the whole expression, parentheses, functions that do not exist, functions where they do not belong,
//! reserved words; then leaf by leaf what it refers to, how many operands its functions have, whether they
//! differ, and their types.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use model::{AttributeValue, json};

use super::placeholders::{Placeholders, check_words};
use crate::Fault;
use crate::ast::{self, ConditionTree, Function, Node, OperandId};
use crate::condition::{AttributeType, Condition, Operand, Rule, Source, Test, compare_in_order};

/// DynamoDB: developer guide, "Expression parameters" under quotas. Alternator's authors once saw 99 to be
/// the most; the page has said 100 ever since.
const IN_OPERANDS_MAX: usize = 100;

pub(super) fn bind(
    tree: &ConditionTree<'_>,
    placeholders: &mut Placeholders<'_>,
) -> Result<Condition, Fault> {
    super::check_style(tree.style)?;
    check_functions(tree)?;
    check_places(tree)?;
    for operand in &tree.operands {
        if let ast::Operand::Path(path) = operand {
            check_words(path)?;
        }
    }
    let mut binder = Binder { tree, placeholders, operands: Vec::with_capacity(tree.operands.len()) };
    let rules = tree.nodes.iter().map(|node| binder.rule(node)).collect::<Result<Vec<_>, _>>()?;
    Ok(Condition::new(rules))
}

/// How many operands a function takes.
fn arity(function: &str) -> Option<usize> {
    Function::parse(function).map(Function::arity)
}

fn check_functions(tree: &ConditionTree<'_>) -> Result<(), Fault> {
    tree.operands.iter().try_for_each(|operand| match *operand {
        ast::Operand::Call { function: function @ ("if_not_exists" | "list_append"), .. } => {
            Err(Fault::NoConditionFunction(function.to_owned()))
        }
        ast::Operand::Call { function, .. } if arity(function).is_none() => {
            Err(Fault::UnknownFunction(function.to_owned()))
        }
        _ => Ok(()),
    })
}

/// `size` is an operand and never a condition, all others are the other way round.
fn check_places(tree: &ConditionTree<'_>) -> Result<(), Fault> {
    let function = |id: OperandId| match tree.operands[id] {
        ast::Operand::Call { function, .. } => Some(function),
        _ => None,
    };
    let misplaced = |function: &str| Err(Fault::MisplacedFunction(function.to_owned()));
    let operands_fit = |operands: &[OperandId]| {
        let wrong = operands.iter().filter_map(|&id| function(id)).find(|&function| function != "size");
        wrong.map_or(Ok(()), misplaced)
    };
    for operand in &tree.operands {
        if let ast::Operand::Call { arguments, .. } = operand {
            operands_fit(arguments)?;
        }
    }
    for node in &tree.nodes {
        match *node {
            Node::Call(call) if function(call) == Some("size") => misplaced("size")?,
            _ => operands_fit(&compared(node))?,
        }
    }
    Ok(())
}

/// The operands of a leaf that is no call.
fn compared(node: &Node) -> Vec<OperandId> {
    match node {
        Node::Compare(_, one, two) => vec![*one, *two],
        Node::Between(operands) => operands.to_vec(),
        Node::In(first, list) => std::iter::once(first).chain(list).copied().collect(),
        Node::Call(_) | Node::Not(_) | Node::And(..) | Node::Or(..) => Vec::new(),
    }
}

struct Binder<'t, 'a, 'p, 'r> {
    tree: &'t ConditionTree<'a>,
    placeholders: &'p mut Placeholders<'r>,
    /// By the ids of the tree; what a call is worth as an operand, if anything.
    operands: Vec<Option<Operand>>,
}

impl Binder<'_, '_, '_, '_> {
    fn rule(&mut self, node: &Node) -> Result<Rule, Fault> {
        let last = match node {
            Node::Not(inner) => return Ok(Rule::Not(*inner)),
            Node::And(one, two) => return Ok(Rule::All(vec![*one, *two])),
            Node::Or(one, two) => return Ok(Rule::Any(vec![*one, *two])),
            Node::Call(call) => *call,
            leaf => compared(leaf).into_iter().max().expect("a comparison has operands"),
        };
        // Operands lie in the order of their leaves.
        let leaf = self.operands.len()..last + 1;
        self.refer(leaf.clone())?;
        self.check_counts(leaf.clone())?;
        self.check_differences(leaf.clone(), node)?;
        let test = self.check_types(leaf, node)?;
        Ok(Rule::Test(test))
    }

    /// Looks up names and values, in the order they are written in.
    fn refer(&mut self, leaf: Range<OperandId>) -> Result<(), Fault> {
        for operand in &self.tree.operands[leaf] {
            let bound = match operand {
                ast::Operand::Path(path) => {
                    Some(Operand::Source(Source::Path(self.placeholders.path(path)?)))
                }
                ast::Operand::Value(placeholder) => {
                    Some(Operand::Source(Source::Value(self.placeholders.value(placeholder)?)))
                }
                ast::Operand::Call { .. } | ast::Operand::Sum(..) => None,
            };
            self.operands.push(bound);
        }
        Ok(())
    }

    fn check_counts(&self, leaf: Range<OperandId>) -> Result<(), Fault> {
        self.tree.operands[leaf].iter().try_for_each(|operand| match operand {
            ast::Operand::Call { function, arguments } if arity(function) != Some(arguments.len()) => {
                Err(Fault::OperandCount { function: (*function).to_owned(), count: arguments.len() })
            }
            _ => Ok(()),
        })
    }

    fn check_differences(&self, leaf: Range<OperandId>, node: &Node) -> Result<(), Fault> {
        for operand in &self.tree.operands[leaf] {
            if let ast::Operand::Call { function, arguments } = operand {
                self.check_difference(function, arguments)?;
            }
        }
        let operator = match node {
            Node::Compare(comparator, ..) => comparator.as_str(),
            Node::Between(_) => "BETWEEN",
            _ => "IN",
        };
        self.check_difference(operator, &compared(node))
    }

    fn check_difference(&self, operator: &str, operands: &[OperandId]) -> Result<(), Fault> {
        let path = |id: &OperandId| match &self.operands[*id] {
            Some(Operand::Source(Source::Path(path))) => Some(path),
            _ => None,
        };
        match operands.split_first().map(|(first, rest)| (path(first), rest)) {
            Some((Some(first), rest)) if rest.iter().any(|other| path(other) == Some(first)) => {
                Err(Fault::SameOperands { operator: operator.to_owned(), path: first.to_string() })
            }
            _ => Ok(()),
        }
    }

    /// Functions from the inside out, then what compares them.
    fn check_types(&mut self, leaf: Range<OperandId>, node: &Node) -> Result<Test, Fault> {
        let mut test = None;
        for id in leaf {
            if let ast::Operand::Call { function, ref arguments } = self.tree.operands[id] {
                match self.call(function, arguments)? {
                    Called::Operand(operand) => self.operands[id] = Some(operand),
                    Called::Test(called) => test = Some(called),
                }
            }
        }
        match (test, node) {
            (Some(test), Node::Call(_)) => Ok(test),
            _ => self.comparison(node),
        }
    }

    fn call(&self, function: &str, arguments: &[OperandId]) -> Result<Called, Fault> {
        let argument = |place: usize| self.operand(arguments[place]);
        let path = || match argument(0) {
            Operand::Source(Source::Path(path)) => Ok(path),
            _ => Err(Fault::NeedsPath(function.to_owned())),
        };
        let test = match function {
            "attribute_exists" => Test::Exists(path()?),
            "attribute_not_exists" => Test::NotExists(path()?),
            "attribute_type" => Test::Type(argument(0), attribute_type(&argument(1))?),
            "begins_with" => {
                let (text, prefix) = (argument(0), argument(1));
                for operand in [&text, &prefix] {
                    refuse_type(function, operand, |value| {
                        !matches!(value, AttributeValue::S(_) | AttributeValue::B(_))
                    })?;
                }
                Test::BeginsWith(text, prefix)
            }
            "contains" => Test::Contains(argument(0), argument(1)),
            _ => return size_of(argument(0)).map(Called::Operand),
        };
        Ok(Called::Test(test))
    }

    fn comparison(&self, node: &Node) -> Result<Test, Fault> {
        Ok(match node {
            Node::Compare(comparator, one, two) => {
                let (one, two) = (self.operand(*one), self.operand(*two));
                if comparator.is_ordering() {
                    refuse_unordered(comparator.as_str(), &[&one, &two])?;
                }
                Test::Compare(*comparator, one, two)
            }
            Node::Between(operands) => {
                let [value, low, high] = operands.map(|id| self.operand(id));
                refuse_unordered("BETWEEN", &[&value, &low, &high])?;
                check_bounds(&low, &high)?;
                Test::Between(value, low, high)
            }
            Node::In(value, list) if list.len() <= IN_OPERANDS_MAX => {
                Test::In(self.operand(*value), list.iter().map(|&id| self.operand(id)).collect())
            }
            Node::In(_, list) => return Err(Fault::TooManyInOperands { count: list.len() }),
            Node::Call(_) | Node::Not(_) | Node::And(..) | Node::Or(..) => {
                unreachable!("these are no comparisons")
            }
        })
    }

    fn operand(&self, id: OperandId) -> Operand {
        self.operands[id].clone().expect("functions that are no operands were refused")
    }
}

enum Called {
    Operand(Operand),
    Test(Test),
}

pub(crate) fn size_of(measured: Operand) -> Result<Operand, Fault> {
    refuse_type("size", &measured, |value| {
        matches!(value, AttributeValue::N(_) | AttributeValue::Bool(_) | AttributeValue::Null)
    })?;
    match measured {
        Operand::Source(source) => Ok(Operand::Size(source)),
        Operand::Size(_) => Err(Fault::OperandType { operator: "size".to_owned(), found: "N" }),
    }
}

pub(crate) fn attribute_type(operand: &Operand) -> Result<AttributeType, Fault> {
    let found = match operand {
        Operand::Source(Source::Value(value)) => match value.as_ref() {
            AttributeValue::S(name) => {
                return AttributeType::parse(name).ok_or_else(|| Fault::UnknownType(name.clone()));
            }
            other => other.type_name(),
        },
        Operand::Size(_) => "N",
        Operand::Source(Source::Path(_)) => "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}",
    };
    Err(Fault::OperandType { operator: "attribute_type".to_owned(), found })
}

/// DynamoDB: only of values and sizes the type is known before there is an item.
pub(crate) fn refuse_type(
    operator: &str,
    operand: &Operand,
    is_wrong: impl Fn(&AttributeValue) -> bool,
) -> Result<(), Fault> {
    let found = match operand {
        Operand::Source(Source::Value(value)) if is_wrong(value) => value.type_name(),
        Operand::Size(_) if is_wrong(&AttributeValue::N(0u64.into())) => "N",
        _ => return Ok(()),
    };
    Err(Fault::OperandType { operator: operator.to_owned(), found })
}

pub(crate) fn refuse_unordered(operator: &str, operands: &[&Operand]) -> Result<(), Fault> {
    operands.iter().try_for_each(|operand| {
        refuse_type(operator, operand, |value| {
            !matches!(value, AttributeValue::S(_) | AttributeValue::N(_) | AttributeValue::B(_))
        })
    })
}

/// DynamoDB: only bounds that are both values.
pub(crate) fn check_bounds(low: &Operand, high: &Operand) -> Result<(), Fault> {
    let (Operand::Source(Source::Value(low)), Operand::Source(Source::Value(high))) = (low, high) else {
        return Ok(());
    };
    match compare_in_order(low, high) {
        None => Err(Fault::BoundsOfTwoTypes { low: shown(low), high: shown(high) }),
        Some(Ordering::Greater) => Err(Fault::BoundsReversed { low: shown(low), high: shown(high) }),
        Some(_) => Ok(()),
    }
}

/// DynamoDB: `{S:text}`, `{N:1}`; dynalite shows binaries in base64.
fn shown(value: &Arc<AttributeValue>) -> String {
    match value.as_ref() {
        AttributeValue::S(text) => format!("{{S:{text}}}"),
        AttributeValue::N(number) => format!("{{N:{number}}}"),
        other => {
            let mut json = Vec::new();
            json::value_to_json(other, &mut json);
            String::from_utf8_lossy(&json).replace('"', "")
        }
    }
}
