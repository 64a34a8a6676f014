//! Text to trees: what placeholders stand for is looked up, and nothing is asked of it.

use super::{Node, NodeId, Operator, Tree, Trees};
use crate::ast::{self, ConditionTree, Function, OperandId, Path, Verb};
use crate::bind::{Placeholders, check_words};
use crate::{ExprError, ExpressionKind, Expressions, Fault, Section, parse};

impl Expressions<'_> {
    /// What was written, before anybody asks whether it makes sense.
    ///
    /// # Errors
    /// What is no expression, or nothing that a tree can say: placeholders that are undefined or unused, functions
    /// that do not exist or have other operands.
    pub fn trees(&self) -> Result<Trees, ExprError> {
        let mut placeholders = Placeholders::new(self.names, self.values)?;
        let update = self.update.map(|text| update(text, &mut placeholders)).transpose();
        let update = update.map_err(|fault| fault.within(ExpressionKind::Update))?;
        let mut condition = |text: Option<&str>, kind| {
            let tree = text.map(|text| condition(text, &mut placeholders)).transpose();
            tree.map_err(|fault: Fault| fault.within(kind))
        };
        let written = condition(self.condition, ExpressionKind::Condition)?;
        let key_condition = condition(self.key_condition, ExpressionKind::KeyCondition)?;
        let filter = condition(self.filter, ExpressionKind::Filter)?;
        let projection = self.projection.map(|text| projection(text, &mut placeholders)).transpose();
        let projection = projection.map_err(|fault| fault.within(ExpressionKind::Projection))?;
        placeholders.all_used()?;
        Ok(Trees { condition: written, filter, key_condition, projection, update })
    }
}

fn condition(text: &str, placeholders: &mut Placeholders<'_>) -> Result<Tree, Fault> {
    let ConditionTree { operands, nodes, style: _ } = parse::condition(text)?;
    let mut reader = Reader { tree: Tree::default(), operands: Vec::new(), placeholders };
    operands.iter().try_for_each(|operand| reader.operand(operand))?;
    let Reader { mut tree, operands, .. } = reader;
    let mut conditions: Vec<NodeId> = Vec::with_capacity(nodes.len());
    for node in &nodes {
        let (operator, of) = match node {
            ast::Node::Call(call) => {
                conditions.push(operands[*call]);
                continue;
            }
            ast::Node::Compare(comparator, one, two) => {
                (Operator::Compare(*comparator), vec![operands[*one], operands[*two]])
            }
            ast::Node::Between(of) => (Operator::Between, of.map(|id| operands[id]).to_vec()),
            ast::Node::In(first, list) => {
                let of = std::iter::once(first).chain(list);
                (Operator::In, of.map(|&id| operands[id]).collect())
            }
            ast::Node::Not(inner) => (Operator::Not, vec![conditions[*inner]]),
            ast::Node::And(one, two) => (Operator::And, vec![conditions[*one], conditions[*two]]),
            ast::Node::Or(one, two) => (Operator::Or, vec![conditions[*one], conditions[*two]]),
        };
        conditions.push(tree.add(Node::Operation(operator, of)));
    }
    // The last one is the root.
    tree.roots.extend(conditions.last());
    Ok(tree)
}

fn projection(text: &str, placeholders: &mut Placeholders<'_>) -> Result<Tree, Fault> {
    let mut tree = Tree::default();
    for path in parse::projection(text)? {
        check_words(&path)?;
        tree.add_root(Node::Path(placeholders.path(&path)?));
    }
    Ok(tree)
}

fn update(text: &str, placeholders: &mut Placeholders<'_>) -> Result<Tree, Fault> {
    let parsed = parse::update(text)?;
    let mut reader = Reader { tree: Tree::default(), operands: Vec::new(), placeholders };
    for (action, written) in parsed.by_action() {
        let mut operands = vec![reader.path(&action.path)?];
        written.iter().try_for_each(|operand| reader.operand(operand))?;
        let section = match action.verb {
            Verb::Set(assigned) => {
                operands.push(reader.operands[assigned]);
                Section::Set
            }
            Verb::Remove => Section::Remove,
            Verb::Add(value) => {
                operands.push(reader.value(value)?);
                Section::Add
            }
            Verb::Delete(value) => {
                operands.push(reader.value(value)?);
                Section::Delete
            }
        };
        reader.tree.add_root(Node::Operation(Operator::Act(section), operands));
    }
    Ok(reader.tree)
}

struct Reader<'p, 'r> {
    tree: Tree,
    /// Where the operands of the text are in the tree.
    operands: Vec<NodeId>,
    placeholders: &'p mut Placeholders<'r>,
}

impl Reader<'_, '_> {
    fn operand(&mut self, operand: &ast::Operand<'_>) -> Result<(), Fault> {
        let id = match operand {
            ast::Operand::Path(path) => self.path(path)?,
            ast::Operand::Value(placeholder) => self.value(placeholder)?,
            ast::Operand::Call { function, arguments } => {
                self.operation(Operator::Call(known(function, arguments)?), arguments)
            }
            ast::Operand::Sum(sign, one, two) => self.operation(Operator::Sum(*sign), &[*one, *two]),
        };
        self.operands.push(id);
        Ok(())
    }

    fn path(&mut self, path: &Path<'_>) -> Result<NodeId, Fault> {
        check_words(path)?;
        Ok(self.tree.add(Node::Path(self.placeholders.path(path)?)))
    }

    fn value(&mut self, placeholder: &str) -> Result<NodeId, Fault> {
        Ok(self.tree.add(Node::Value(self.placeholders.value(placeholder)?)))
    }

    fn operation(&mut self, operator: Operator, operands: &[OperandId]) -> NodeId {
        let operands = operands.iter().map(|&id| self.operands[id]).collect();
        self.tree.add(Node::Operation(operator, operands))
    }
}

fn known(function: &str, arguments: &[OperandId]) -> Result<Function, Fault> {
    let known = Function::parse(function).ok_or_else(|| Fault::UnknownFunction(function.to_owned()))?;
    match arguments.len() {
        count if count == known.arity() => Ok(known),
        count => Err(Fault::OperandCount { function: function.to_owned(), count }),
    }
}
