//! Projections: clients number the paths, and get what lies at each under its number.

use expr::{DocumentPath, Node, Tree, Trees};
use model::{ApiError, Item};

use dax_wire::{Writer, expression, value};

use super::refused::Refused;

/// What a client wants of items.
///
/// The stack is asked for the whole of the attributes that the paths begin with: what it makes of `l[2]` would not tell
/// any more where that was.
#[derive(Debug)]
pub(super) struct Wanted {
    tree: Tree,
}

impl Wanted {
    /// # Errors
    /// If it is no projection, in DynamoDB's words where it has any.
    pub(super) fn read(bytes: &[u8]) -> Result<Wanted, Refused> {
        let tree = expression::decode_projection(bytes)?;
        let trees = Trees { projection: Some(tree.clone()), ..Trees::default() };
        trees.print().expressions().bind().map_err(|error| ApiError::validation(error.to_string()))?;
        Ok(Wanted { tree })
    }

    /// The whole attributes that it is about.
    pub(super) fn attributes(&self) -> Tree {
        let mut seen: Vec<&str> = Vec::new();
        let mut tree = Tree::default();
        for path in self.tree.paths() {
            if !seen.contains(&path.attribute()) {
                seen.push(path.attribute());
                tree.add_root(Node::Path(DocumentPath::new(path.attribute().to_owned(), Vec::new())));
            }
        }
        tree
    }

    /// What an item has of it, by number.
    pub(super) fn write(&self, item: &Item, out: &mut Writer) {
        let found: Vec<_> = self.tree.paths().map(|path| path.find(item)).collect();
        out.map(found.iter().flatten().count());
        for (number, value) in found.into_iter().enumerate() {
            if let Some(value) = value {
                out.int(number as i64);
                value::encode(value, out);
            }
        }
    }
}
