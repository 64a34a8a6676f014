//! Trees to text.

use super::{Node, NodeId, Operator, Tree, Trees};
use crate::Printed;
use crate::ast::Section;
use crate::print::{Printer, Within};

impl Trees {
    /// As text, as short as it can be; how long it became, and all else, is for who binds it to say.
    pub fn print(&self) -> Printed {
        let mut printer = Printer::default();
        let mut text =
            |tree: &Option<Tree>, joint| tree.as_ref().map(|tree| joined(tree, joint, &mut printer));
        let condition = text(&self.condition, " ");
        let filter = text(&self.filter, " ");
        let key_condition = text(&self.key_condition, " ");
        let projection = text(&self.projection, ",");
        let update = self.update.as_ref().map(|tree| update(tree, &mut printer));
        Printed { condition, filter, key_condition, projection, update, ..printer.placeholders() }
    }
}

fn joined(tree: &Tree, joint: &str, printer: &mut Printer) -> String {
    let roots: Vec<String> = tree.roots.iter().map(|&root| expression(tree, root, printer)).collect();
    roots.join(joint)
}

/// Section by section, in the order in which each comes first.
fn update(tree: &Tree, printer: &mut Printer) -> String {
    let mut sections: Vec<(&str, Vec<String>)> = Vec::new();
    for &root in &tree.roots {
        let section = match tree.node(root) {
            Node::Operation(Operator::Act(section), _) => section.as_str(),
            Node::Path(_) | Node::Value(_) | Node::Operation(..) => "",
        };
        let action = expression(tree, root, printer);
        match sections.iter_mut().find(|(known, _)| *known == section) {
            Some((_, actions)) => actions.push(action),
            None => sections.push((section, vec![action])),
        }
    }
    let section = |(section, actions): &(&str, Vec<String>)| format!("{section} {}", actions.join(","));
    sections.iter().map(section).collect::<Vec<_>>().join(" ")
}

/// What is still to be written.
enum Piece {
    Text(&'static str),
    Node(NodeId, Within),
}

/// Trees may be as deep as they are large, so what waits is on a stack of our own.
fn expression(tree: &Tree, root: NodeId, printer: &mut Printer) -> String {
    let mut text = String::new();
    let mut waiting = vec![Piece::Node(root, Within::Any)];
    while let Some(piece) = waiting.pop() {
        match piece {
            Piece::Text(piece) => text.push_str(piece),
            Piece::Node(id, within) => match tree.node(id) {
                Node::Path(path) => text.push_str(&printer.path(path)),
                Node::Value(value) => text.push_str(&printer.value(value)),
                Node::Operation(operator, operands) => {
                    waiting.extend(operation(*operator, operands, within).into_iter().rev());
                }
            },
        }
    }
    text
}

fn operation(operator: Operator, operands: &[NodeId], within: Within) -> Vec<Piece> {
    let (binds, mut pieces) = match operator {
        // Whether they nest to the left or to the right is all the same: nobody needs parentheses for it.
        Operator::Or => (Within::Any, joined_by(" OR ", operands, Within::Any)),
        Operator::And => (Within::All, joined_by(" AND ", operands, Within::All)),
        Operator::Not => (Within::Not, enclosed("NOT ", joined_by("", operands, Within::Not), "")),
        Operator::Compare(comparator) => {
            (Within::Not, joined_by(comparator.as_str(), operands, Within::Operand))
        }
        Operator::Between => (Within::Not, first_and(" BETWEEN ", " AND ", operands, "")),
        Operator::In => (Within::Not, first_and(" IN (", ",", operands, ")")),
        Operator::Call(function) => {
            let operands = enclosed("(", joined_by(",", operands, Within::Any), ")");
            (Within::Operand, enclosed(function.as_str(), operands, ""))
        }
        Operator::Sum(sign) => (Within::Operand, joined_by(sign.as_str(), operands, Within::Operand)),
        Operator::Act(Section::Set) => (Within::Operand, joined_by("=", operands, Within::Any)),
        Operator::Act(_) => (Within::Operand, joined_by(" ", operands, Within::Any)),
    };
    if binds < within {
        pieces = enclosed("(", pieces, ")");
    }
    pieces
}

fn joined_by(joint: &'static str, operands: &[NodeId], within: Within) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(2 * operands.len());
    for (place, &operand) in operands.iter().enumerate() {
        if place > 0 {
            pieces.push(Piece::Text(joint));
        }
        pieces.push(Piece::Node(operand, within));
    }
    pieces
}

fn first_and(lead: &'static str, joint: &'static str, operands: &[NodeId], end: &'static str) -> Vec<Piece> {
    let (first, rest) = operands.split_at(operands.len().min(1));
    let mut pieces = joined_by("", first, Within::Operand);
    pieces.extend(enclosed(lead, joined_by(joint, rest, Within::Operand), end));
    pieces
}

fn enclosed(before: &'static str, pieces: Vec<Piece>, after: &'static str) -> Vec<Piece> {
    let ends = |text| std::iter::once(Piece::Text(text));
    ends(before).chain(pieces).chain(ends(after)).collect()
}
