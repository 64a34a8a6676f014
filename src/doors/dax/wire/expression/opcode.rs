//! What stands first in a node.

use expr::{Comparator, Function, Operator, Section, Sign};

/// Has the place of a value behind it.
pub(super) const VALUE: i64 = 17;
/// Has the steps of a path behind it.
pub(super) const PATH: i64 = 18;
/// A tag: a step of a path that is not text but the place of an element.
pub(super) const ELEMENT: u64 = 3324;

/// All others: opcode, operator, and how many operands follow.
#[rustfmt::skip]
const OPERATORS: [(i64, Operator, u64); 25] = [
    (0, Operator::Compare(Comparator::Equal), 2),
    (1, Operator::Compare(Comparator::NotEqual), 2),
    (2, Operator::Compare(Comparator::Less), 2),
    (3, Operator::Compare(Comparator::AtLeast), 2),
    (4, Operator::Compare(Comparator::More), 2),
    (5, Operator::Compare(Comparator::AtMost), 2),
    (6, Operator::And, 2),
    (7, Operator::Or, 2),
    (8, Operator::Not, 1),
    (9, Operator::Between, 3),
    // The second one is an array of operands.
    (10, Operator::In, 2),
    (11, Operator::Call(Function::AttributeExists), 1),
    (12, Operator::Call(Function::AttributeNotExists), 1),
    (13, Operator::Call(Function::AttributeType), 2),
    (14, Operator::Call(Function::BeginsWith), 2),
    (15, Operator::Call(Function::Contains), 2),
    (16, Operator::Call(Function::Size), 1),
    (19, Operator::Act(Section::Set), 2),
    (20, Operator::Act(Section::Add), 2),
    (21, Operator::Act(Section::Delete), 2),
    (22, Operator::Act(Section::Remove), 1),
    (23, Operator::Call(Function::IfNotExists), 2),
    (24, Operator::Call(Function::ListAppend), 2),
    (25, Operator::Sum(Sign::Plus), 2),
    (26, Operator::Sum(Sign::Minus), 2),
];

/// The operator, and how many operands it has.
pub(super) fn operator(opcode: i64) -> Option<(Operator, u64)> {
    let row = OPERATORS.into_iter().find(|&(known, _, _)| known == opcode);
    row.map(|(_, operator, operands)| (operator, operands))
}

/// Its opcode.
pub(super) fn opcode(operator: Operator) -> i64 {
    let row = OPERATORS.into_iter().find(|&(_, known, _)| known == operator);
    row.expect("each operator has an opcode").0
}
