//! From what clients send.

use std::collections::HashMap;
use std::sync::Arc;

use expr::{DocumentPath, Node, NodeId, Operator, Step, Tree};
use minicbor::Decoder;
use minicbor::data::Type;
use model::AttributeValue;
use model::limits::EXPRESSION_BYTES_MAX;

use super::{VERSION, opcode};
use crate::number::is_int;
use crate::read::{expect_end, text};
use crate::{Budget, Extent, Limits, Malformed, value};

/// Nodes and steps of paths together. Each has a character at least of its own in the text, which clients limit
/// before they send the tree, so that whoever is near this is none of them.
const NODES_MAX: usize = 2 * EXPRESSION_BYTES_MAX;

/// A condition, a filter or a key condition.
///
/// # Errors
/// If the bytes are no such tree. Whether it makes sense is for whoever binds it to say.
pub fn decode_condition(bytes: &[u8], budget: &mut Budget) -> Result<Tree, Malformed> {
    decode(bytes, Some(budget), Reader::root)
}

/// # Errors
/// As for [`decode_condition`].
pub fn decode_update(bytes: &[u8], budget: &mut Budget) -> Result<Tree, Malformed> {
    decode(bytes, Some(budget), Reader::roots)
}

/// # Errors
/// As for [`decode_condition`].
pub fn decode_projection(bytes: &[u8]) -> Result<Tree, Malformed> {
    decode(bytes, None, Reader::roots)
}

/// Those that have values need a budget for them.
fn decode<'b>(
    bytes: &'b [u8],
    budget: Option<&mut Budget>,
    read: impl FnOnce(&mut Reader<'b>) -> Result<(), Malformed>,
) -> Result<Tree, Malformed> {
    let mut decoder = Decoder::new(bytes);
    let has_values = budget.is_some();
    if decoder.array()? != Some(if has_values { 3 } else { 2 }) || int(&mut decoder)? != VERSION {
        return Err(Malformed::Expression);
    }
    let values = match budget {
        Some(budget) => values_behind(&bytes[decoder.position()..], budget)?,
        None => Vec::new(),
    };
    let mut reader = Reader { decoder, values, tree: Tree::default(), open: Vec::new(), left: NODES_MAX };
    read(&mut reader)?;
    if !has_values {
        expect_end(&reader.decoder)?;
    }
    Ok(reader.tree)
}

/// The values, which stand behind the tree that refers to them.
fn values_behind(tree_and_values: &[u8], budget: &mut Budget) -> Result<Vec<Arc<AttributeValue>>, Malformed> {
    // An operator is an array, its list of operands another, the index of a path a tag.
    let limits = Limits { bytes: tree_and_values.len(), levels: 2 * NODES_MAX };
    let tree = Extent::new(limits).of(1, tree_and_values)?.ok_or(Malformed::Truncated)?;
    let mut decoder = Decoder::new(&tree_and_values[tree..]);
    let Some(length) = decoder.array()? else { return Err(Malformed::Expression) };
    let mut values = Vec::new();
    let mut known: HashMap<&[u8], Arc<AttributeValue>> = HashMap::new();
    if length > NODES_MAX as u64 {
        return Err(Malformed::TooManyNodes { max: NODES_MAX });
    }
    budget.begin_expression();
    for _ in 0..length {
        let start = decoder.position();
        let value = value::decode(&mut decoder, budget)?;
        let written = &decoder.input()[start..decoder.position()];
        values.push(Arc::clone(known.entry(written).or_insert_with(|| Arc::new(value))));
    }
    expect_end(&decoder)?;
    Ok(values)
}

fn int(decoder: &mut Decoder<'_>) -> Result<i64, Malformed> {
    if is_int(decoder.datatype()?) { Ok(decoder.i64()?) } else { Err(Malformed::WrongType) }
}

struct Reader<'b> {
    decoder: Decoder<'b>,
    values: Vec<Arc<AttributeValue>>,
    tree: Tree,
    /// Operators that wait for operands, outermost first: trees may be deep.
    open: Vec<Open>,
    /// How many nodes and steps there may still be.
    left: usize,
}

struct Open {
    operator: Operator,
    operands: Vec<NodeId>,
    missing: u64,
}

impl Reader<'_> {
    fn roots(&mut self) -> Result<(), Malformed> {
        let Some(roots) = self.decoder.array()? else { return Err(Malformed::Expression) };
        (0..roots).try_for_each(|_| self.root())
    }

    fn root(&mut self) -> Result<(), Malformed> {
        loop {
            let mut complete = self.begin()?;
            while let Some(node) = complete {
                let Some(innermost) = self.open.last_mut() else {
                    self.tree.add_root(node);
                    return Ok(());
                };
                innermost.operands.push(self.tree.add(node));
                innermost.missing -= 1;
                if innermost.missing == 1
                    && innermost.operator == Operator::In
                    && innermost.operands.len() == 1
                {
                    innermost.missing = self.decoder.array()?.ok_or(Malformed::Expression)?;
                }
                complete = self.complete();
            }
        }
    }

    /// A node that has no operands, or `None` if it is open now.
    fn begin(&mut self) -> Result<Option<Node>, Malformed> {
        self.count(1)?;
        let parts = self.decoder.array()?.ok_or(Malformed::Expression)?;
        let opcode = int(&mut self.decoder)?;
        match opcode {
            opcode::VALUE if parts == 2 => self.value().map(Some),
            opcode::PATH if parts >= 2 => self.path(parts - 1).map(Some),
            opcode::VALUE | opcode::PATH => Err(Malformed::Arity { opcode, found: parts.saturating_sub(1) }),
            _ => {
                let (operator, missing) = opcode::operator(opcode).ok_or(Malformed::Opcode(opcode))?;
                if parts != missing + 1 {
                    return Err(Malformed::Arity { opcode, found: parts.saturating_sub(1) });
                }
                self.open.push(Open { operator, operands: Vec::new(), missing });
                Ok(None)
            }
        }
    }

    /// The innermost operator, if it has all its operands.
    fn complete(&mut self) -> Option<Node> {
        let Open { operator, operands, .. } = self.open.pop_if(|innermost| innermost.missing == 0)?;
        Some(Node::Operation(operator, operands))
    }

    fn value(&mut self) -> Result<Node, Malformed> {
        let index = self.decoder.u64()?;
        let value = usize::try_from(index).ok().and_then(|index| self.values.get(index));
        let value = value.ok_or(Malformed::ValueIndex { index, values: self.values.len() })?;
        Ok(Node::Value(Arc::clone(value)))
    }

    fn path(&mut self, steps: u64) -> Result<Node, Malformed> {
        let attribute = text(&mut self.decoder)?.to_owned();
        let mut inside = Vec::new();
        for _ in 1..steps {
            self.count(1)?;
            inside.push(match self.decoder.datatype()? {
                Type::Tag if self.decoder.tag()?.as_u64() == opcode::ELEMENT => {
                    // What 32 bits cannot hold is out of DynamoDB's range like the largest that they can.
                    Step::Index(u32::try_from(self.decoder.u64()?).unwrap_or(u32::MAX))
                }
                _ => Step::Member(text(&mut self.decoder)?.to_owned()),
            });
        }
        Ok(Node::Path(DocumentPath::new(attribute, inside)))
    }

    fn count(&mut self, nodes: usize) -> Result<(), Malformed> {
        self.left = self.left.checked_sub(nodes).ok_or(Malformed::TooManyNodes { max: NODES_MAX })?;
        Ok(())
    }
}
