//! Updates.
//!
//! DynamoDB: the order of checks is that of dynalite, whose tests were recorded from the service: reserved
//! words, functions, sections, names, values, paths that overlap or conflict, what ADD and DELETE are
//! given, what functions and sums are given.

use std::sync::Arc;

use model::AttributeValue;

use super::placeholders::{Placeholders, check_words};
use crate::Fault;
use crate::ast::{self, OperandId, UpdateTree, Verb};
use crate::path::{DocumentPath, PathTree};
use crate::update::{Action, Assigned, Dialect, Update, is_set};

pub(super) fn bind(tree: &UpdateTree<'_>, placeholders: &mut Placeholders<'_>) -> Result<Update, Fault> {
    check_style(tree)?;
    for (action, operands) in tree.by_action() {
        check_words(&action.path)?;
        operands.iter().filter_map(as_path).try_for_each(check_words)?;
    }
    check_functions(tree)?;
    if let Some(section) = tree.repeated {
        return Err(Fault::SectionTwice(section.as_str()));
    }
    let References { paths, mut operands, values } = References::look_up(tree, placeholders)?;
    let touched = PathTree::of(paths.iter().enumerate().map(|(action, path)| (path, action)))?;
    for (action, value) in tree.actions.iter().zip(&values) {
        check_action(action, value.as_deref())?;
    }
    for (id, operand) in tree.operands.iter().enumerate() {
        if let Some(joined) = join(operand, &mut operands)? {
            operands[id] = Some(joined);
        }
    }
    let actions = paths.into_iter().zip(&tree.actions).zip(values).map(|((path, action), value)| {
        let action = match (&action.verb, value) {
            (Verb::Set(assigned), _) => Action::Set(take(&mut operands, *assigned)),
            (Verb::Add(_), Some(value)) => Action::Add(value),
            (Verb::Delete(_), Some(value)) => Action::Delete(value),
            _ => Action::Remove,
        };
        (path, action)
    });
    Ok(Update::new(Dialect::Expression, actions.collect(), touched))
}

fn as_path<'t, 'a>(operand: &'t ast::Operand<'a>) -> Option<&'t ast::Path<'a>> {
    match operand {
        ast::Operand::Path(path) => Some(path),
        _ => None,
    }
}

/// DynamoDB: developer guide, "operators or functions" of an update count together.
fn check_style(tree: &UpdateTree<'_>) -> Result<(), Fault> {
    let calls = tree.operands.iter().filter(|operand| matches!(operand, ast::Operand::Call { .. })).count();
    super::check_style(ast::Style { operators: tree.style.operators + calls, ..tree.style })
}

fn check_functions(tree: &UpdateTree<'_>) -> Result<(), Fault> {
    for operand in &tree.operands {
        let ast::Operand::Call { function, .. } = *operand else { continue };
        match function {
            "if_not_exists" | "list_append" => {}
            "attribute_exists"
            | "attribute_not_exists"
            | "attribute_type"
            | "begins_with"
            | "contains"
            | "size" => return Err(Fault::NoUpdateFunction(function.to_owned())),
            _ => return Err(Fault::UnknownFunction(function.to_owned())),
        }
    }
    // DynamoDB: no list_append inside of another, which Alternator's authors saw but could not explain
    // (test_update_expression.py).
    let is_list_append =
        |id: &OperandId| matches!(tree.operands[*id], ast::Operand::Call { function: "list_append", .. });
    let is_misplaced = |operand: &ast::Operand<'_>| {
        matches!(operand, ast::Operand::Call { function: "list_append", arguments }
            if arguments.iter().any(is_list_append))
    };
    match tree.operands.iter().any(is_misplaced) {
        true => Err(Fault::MisplacedFunction("list_append".to_owned())),
        false => Ok(()),
    }
}

/// What an update refers to.
struct References {
    /// Of the actions.
    paths: Vec<DocumentPath>,
    /// By the ids of the tree; calls and sums are missing.
    operands: Vec<Option<Assigned>>,
    /// Of the actions that have a value of their own.
    values: Vec<Option<Arc<AttributeValue>>>,
}

impl References {
    /// All names, then all values, each in the order they are written in.
    fn look_up(tree: &UpdateTree<'_>, placeholders: &mut Placeholders<'_>) -> Result<References, Fault> {
        let mut paths = Vec::with_capacity(tree.actions.len());
        let mut operands = Vec::with_capacity(tree.operands.len());
        for (action, written) in tree.by_action() {
            paths.push(placeholders.path(&action.path)?);
            for operand in written {
                let path = as_path(operand).map(|path| placeholders.path(path)).transpose()?;
                operands.push(path.map(Assigned::Path));
            }
        }
        let mut values = Vec::with_capacity(tree.actions.len());
        let mut bound = operands.iter_mut();
        for (action, written) in tree.by_action() {
            for (operand, bound) in written.iter().zip(&mut bound) {
                if let ast::Operand::Value(placeholder) = operand {
                    *bound = Some(Assigned::Value(placeholders.value(placeholder)?));
                }
            }
            values.push(match action.verb {
                Verb::Add(placeholder) | Verb::Delete(placeholder) => Some(placeholders.value(placeholder)?),
                Verb::Set(_) | Verb::Remove => None,
            });
        }
        Ok(References { paths, operands, values })
    }
}

fn check_action(action: &ast::Action<'_>, value: Option<&AttributeValue>) -> Result<(), Fault> {
    let wrong = |action, value| Err(Fault::ActionType { action, found: long_type_name(value) });
    match (&action.verb, value) {
        (Verb::Add(_), Some(value)) if !is_set(value) && !matches!(value, AttributeValue::N(_)) => {
            wrong("ADD", value)
        }
        (Verb::Delete(_), Some(value)) if !is_set(value) => wrong("DELETE", value),
        _ => Ok(()),
    }
}

/// DynamoDB: this one message has its own names of types.
fn long_type_name(value: &AttributeValue) -> &'static str {
    match value {
        AttributeValue::S(_) => "STRING",
        AttributeValue::N(_) => "NUMBER",
        AttributeValue::B(_) => "BINARY",
        AttributeValue::Bool(_) => "BOOLEAN",
        AttributeValue::Null => "NULL",
        AttributeValue::L(_) => "LIST",
        AttributeValue::M(_) => "MAP",
        AttributeValue::Ss(_) => "STRING_SET",
        AttributeValue::Ns(_) => "NUMBER_SET",
        AttributeValue::Bs(_) => "BINARY_SET",
    }
}

/// What a call or a sum makes of its operands, which are complete.
fn join(operand: &ast::Operand<'_>, operands: &mut [Option<Assigned>]) -> Result<Option<Assigned>, Fault> {
    let (operator, arguments) = match operand {
        ast::Operand::Call { function, arguments } => (*function, arguments.as_slice()),
        ast::Operand::Sum(sign, one, two) => (sign.as_str(), &[*one, *two][..]),
        ast::Operand::Path(_) | ast::Operand::Value(_) => return Ok(None),
    };
    let &[one, two] = arguments else {
        return Err(Fault::OperandCount { function: operator.to_owned(), count: arguments.len() });
    };
    let (one, two) = (take(operands, one), take(operands, two));
    let joined = match operand {
        ast::Operand::Sum(sign, ..) => {
            check_types(operator, [&one, &two], |value| matches!(value, AttributeValue::N(_)))?;
            Assigned::Sum(*sign, Box::new([one, two]))
        }
        _ if operator == "list_append" => {
            check_types(operator, [&one, &two], |value| matches!(value, AttributeValue::L(_)))?;
            Assigned::Joined(Box::new([one, two]))
        }
        _ => match one {
            Assigned::Path(path) => Assigned::IfNotExists(path, Box::new(two)),
            _ => return Err(Fault::NeedsPath(operator.to_owned())),
        },
    };
    Ok(Some(joined))
}

/// DynamoDB: only of values; what a path leads to and what a function gives is not known yet.
fn check_types(
    operator: &str,
    operands: [&Assigned; 2],
    is_right: impl Fn(&AttributeValue) -> bool,
) -> Result<(), Fault> {
    operands.into_iter().try_for_each(|operand| match operand {
        Assigned::Value(value) if !is_right(value) => {
            Err(Fault::OperandType { operator: operator.to_owned(), found: value.type_name() })
        }
        _ => Ok(()),
    })
}

fn take(operands: &mut [Option<Assigned>], id: OperandId) -> Assigned {
    operands[id].take().expect("each operand is complete before what it belongs to, and belongs to one")
}
