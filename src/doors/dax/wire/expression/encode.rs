//! To what servers are sent. As most clients do it: a chain nests to the left, as text does, and a value that is
//! mentioned twice is there once.

use std::sync::Arc;

use expr::{Node, NodeId, Operator, Step, Tree};
use model::AttributeValue;

use super::{VERSION, opcode};
use crate::{Writer, value};

/// A condition, a filter or a key condition.
pub fn encode_condition(tree: &Tree) -> Vec<u8> {
    let mut encoder = Encoder::begin(3);
    tree.roots().iter().for_each(|&root| encoder.node(tree, root));
    encoder.end()
}

pub fn encode_update(tree: &Tree) -> Vec<u8> {
    let mut encoder = Encoder::begin(3);
    encoder.list(tree);
    encoder.end()
}

pub fn encode_projection(tree: &Tree) -> Vec<u8> {
    let mut encoder = Encoder::begin(2);
    encoder.list(tree);
    encoder.writer.into_bytes()
}

struct Encoder<'t> {
    writer: Writer,
    /// In the order in which they come first.
    values: Vec<&'t Arc<AttributeValue>>,
}

/// What is still to be written.
enum Piece {
    Array(usize),
    Node(NodeId),
}

impl<'t> Encoder<'t> {
    fn begin(parts: usize) -> Encoder<'t> {
        let mut writer = Writer::new();
        writer.array(parts);
        writer.int(VERSION);
        Encoder { writer, values: Vec::new() }
    }

    fn end(mut self) -> Vec<u8> {
        self.writer.array(self.values.len());
        for value in self.values {
            value::encode(value, &mut self.writer);
        }
        self.writer.into_bytes()
    }

    fn list(&mut self, tree: &'t Tree) {
        self.writer.array(tree.roots().len());
        tree.roots().iter().for_each(|&root| self.node(tree, root));
    }

    /// As deep as the tree is, on a stack of our own.
    fn node(&mut self, tree: &'t Tree, root: NodeId) {
        let mut waiting = vec![Piece::Node(root)];
        while let Some(piece) = waiting.pop() {
            match piece {
                Piece::Array(length) => self.writer.array(length),
                Piece::Node(id) => match tree.node(id) {
                    Node::Path(path) => self.path(path.attribute(), path.inside()),
                    Node::Value(value) => {
                        let place = self.place(value);
                        self.head(opcode::VALUE, 1);
                        self.writer.int(place as i64);
                    }
                    Node::Operation(operator, operands) => {
                        let pieces = self.operation(*operator, operands);
                        waiting.extend(pieces.into_iter().rev());
                    }
                },
            }
        }
    }

    /// Begins a node; what follows its opcode is to be written yet.
    fn operation(&mut self, operator: Operator, operands: &[NodeId]) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = operands.iter().map(|&operand| Piece::Node(operand)).collect();
        if operator == Operator::In && !operands.is_empty() {
            pieces.insert(1, Piece::Array(operands.len() - 1));
            self.head(opcode::opcode(operator), 2);
        } else {
            self.head(opcode::opcode(operator), operands.len());
        }
        pieces
    }

    fn head(&mut self, opcode: i64, operands: usize) {
        self.writer.array(1 + operands);
        self.writer.int(opcode);
    }

    fn path(&mut self, attribute: &str, inside: &[Step]) {
        self.head(opcode::PATH, 1 + inside.len());
        self.writer.text(attribute);
        for step in inside {
            match step {
                Step::Member(name) => self.writer.text(name),
                Step::Index(index) => {
                    self.writer.tag(opcode::ELEMENT);
                    self.writer.int((*index).into());
                }
            }
        }
    }

    fn place(&mut self, value: &'t Arc<AttributeValue>) -> usize {
        let known = self.values.iter().position(|known| Arc::ptr_eq(known, value));
        known.unwrap_or_else(|| {
            self.values.push(value);
            self.values.len() - 1
        })
    }
}
