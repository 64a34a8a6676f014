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
    /// What DynamoDB has against it, such as paths that overlap.
    fault: Option<ApiError>,
}

impl Wanted {
    /// # Errors
    /// If it is no projection at all.
    pub(super) fn read(bytes: &[u8]) -> Result<Wanted, Refused> {
        let tree = expression::decode_projection(bytes)?;
        let trees = Trees { projection: Some(tree.clone()), ..Trees::default() };
        let fault = trees.print().expressions().bind().err();
        Ok(Wanted { tree, fault: fault.map(|error| ApiError::validation(error.to_string())) })
    }

    /// # Errors
    /// What DynamoDB has against it, for a request that is sent down without it.
    pub(super) fn check(&self) -> Result<(), Refused> {
        self.fault.clone().map_or(Ok(()), |fault| Err(fault.into()))
    }

    /// The whole attributes that it is about. One that is wrong stays as it is: the origin may have something else to
    /// say of its request first.
    pub(super) fn attributes(&self) -> Tree {
        if self.fault.is_some() {
            return self.tree.clone();
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn path(attribute: &str, inside: &[&str]) -> DocumentPath {
        let steps = inside.iter().map(|name| expr::Step::Member((*name).to_owned()));
        DocumentPath::new(attribute.to_owned(), steps.collect())
    }

    fn wanted(paths: &[DocumentPath]) -> (Wanted, Tree) {
        let mut tree = Tree::default();
        paths.iter().for_each(|path| tree.add_root(Node::Path(path.clone())));
        (Wanted::read(&expression::encode_projection(&tree)).unwrap(), tree)
    }

    #[test]
    fn whole_attributes_are_asked_for_once() {
        let (wanted, _) = wanted(&[path("m", &["a"]), path("b", &[]), path("m", &["c"])]);
        assert!(wanted.check().is_ok());
        let attributes = wanted.attributes();
        assert_eq!(attributes.paths().collect::<Vec<_>>(), [&path("m", &[]), &path("b", &[])]);
    }

    #[test]
    fn paths_that_overlap_go_down_as_they_are_for_the_origin_to_refuse() {
        let (wanted, tree) = wanted(&[path("m", &["a"]), path("b", &[]), path("m", &[])]);
        assert_eq!(wanted.attributes(), tree);
        let Err(Refused::Invalid(error)) = wanted.check() else { panic!("they overlap") };
        assert!(error.message.contains("Two document paths overlap"), "{error}");
    }
}
