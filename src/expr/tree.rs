//! Expressions as trees of real names and values, for those who are sent them so: DAX's clients.
//!
//! They say what text says, the wrong things included: [`Trees::print`] makes of a condition that compares
//! conditions, or of a sum of sums, the text that DynamoDB has words for. What `ast` is to text these are to
//! trees, but that nothing is left to look up; they lie in vectors likewise, children before parents.

mod print;
mod read;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use model::AttributeValue;

use crate::ast::{Comparator, Function, Section, Sign};
use crate::path::DocumentPath;

/// Where a node lies.
pub type NodeId = usize;

/// One expression.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    nodes: Vec<Node>,
    roots: Vec<NodeId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Path(DocumentPath),
    /// Where two share one, they share a placeholder.
    Value(Arc<AttributeValue>),
    Operation(Operator, Vec<NodeId>),
}

/// What nodes are operands of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Compare(Comparator),
    /// The first operand is between the other two.
    Between,
    /// The first operand is one of the others.
    In,
    Not,
    And,
    Or,
    Call(Function),
    Sum(Sign),
    /// Something is done with the path that is the first operand.
    Act(Section),
}

/// The expressions of one request, which share their placeholders once they are text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trees {
    pub condition: Option<Tree>,
    pub filter: Option<Tree>,
    pub key_condition: Option<Tree>,
    pub projection: Option<Tree>,
    pub update: Option<Tree>,
}

impl Tree {
    /// Adds a node, whose operands were added before and belong to no other.
    pub fn add(&mut self, node: Node) -> NodeId {
        let id = self.nodes.len();
        if let Node::Operation(_, operands) = &node {
            assert!(operands.iter().all(|&operand| operand < id), "operands come before what they belong to");
        }
        self.nodes.push(node);
        id
    }

    /// A condition has one root, an update one for each action, a projection one for each path.
    pub fn add_root(&mut self, node: Node) {
        let id = self.add(node);
        self.roots.push(id);
    }

    pub fn roots(&self) -> &[NodeId] {
        &self.roots
    }

    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The paths that a projection consists of, in their order.
    pub fn paths(&self) -> impl Iterator<Item = &DocumentPath> {
        self.roots.iter().filter_map(|&root| match self.node(root) {
            Node::Path(path) => Some(path),
            Node::Value(_) | Node::Operation(..) => None,
        })
    }
}
