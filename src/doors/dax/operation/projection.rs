//! Projections: clients number the paths, and get what lies at each under its number.

use std::sync::Arc;

use expr::{DocumentPath, Node, Tree, Trees};
use model::Item;
use moka::sync::Cache;

use dax_wire::{Writer, expression, value};

use super::{arguments::Texts, refused::Refused};

/// What a client wants of items.
///
/// The stack is asked for more, whole attributes or whole items: what it makes of `l[2]` would not tell any more where
/// that was.
#[derive(Debug)]
pub(super) struct Wanted {
    tree: Tree,
    /// It has paths that overlap, say. Then it is sent down as it is, for the origin to refuse, which may have
    /// something else to say of the request first.
    is_wrong: bool,
}

/// Projections remembered at once. An application has a few, which it sends again and again.
const KNOWN_MAX: u64 = 256;
/// Longer ones are not remembered: what is made of one may take forty times its bytes.
const KNOWN_BYTES_MAX: usize = 1 << 10;

/// What projections lately meant, by their bytes: to find out takes longer than all else that a hit does.
#[derive(Debug)]
pub(super) struct Projections {
    known: Cache<Box<[u8]>, Arc<Wanted>>,
}

impl Projections {
    pub(super) fn new() -> Projections {
        Projections { known: Cache::new(KNOWN_MAX) }
    }

    /// # Errors
    /// If it is no projection at all.
    pub(super) fn read(&self, bytes: &[u8]) -> Result<Arc<Wanted>, Refused> {
        if let Some(wanted) = self.known.get(bytes) {
            return Ok(wanted);
        }
        let wanted = Arc::new(Wanted::read(bytes)?);
        if bytes.len() <= KNOWN_BYTES_MAX {
            self.known.insert(Box::from(bytes), Arc::clone(&wanted));
        }
        Ok(wanted)
    }
}

impl Wanted {
    /// # Errors
    /// If it is no projection at all.
    fn read(bytes: &[u8]) -> Result<Wanted, Refused> {
        let tree = expression::decode_projection(bytes)?;
        let trees = Trees { projection: Some(tree.clone()), ..Trees::default() };
        let is_wrong = trees.print().expressions().bind().is_err();
        Ok(Wanted { tree, is_wrong })
    }

    /// To ask for whole items with, of which [`Wanted::write`] takes the parts: nothing. What is kept is whole anyway.
    pub(super) fn of_items(wanted: Option<&Wanted>) -> Texts {
        let wrong = wanted.filter(|wanted| wanted.is_wrong).map(|wanted| wanted.tree.clone());
        Texts::of(&Trees { projection: wrong, ..Trees::default() })
    }

    /// The whole attributes that it is about.
    pub(super) fn attributes(&self) -> Tree {
        if self.is_wrong {
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
    fn projections_are_read_once_and_not_all_are_remembered() {
        let projections = Projections::new();
        let of = |attribute: String| {
            let mut tree = Tree::default();
            tree.add_root(Node::Path(DocumentPath::new(attribute, Vec::new())));
            expression::encode_projection(&tree)
        };
        let first = projections.read(&of("a".to_owned())).unwrap();
        assert!(Arc::ptr_eq(&first, &projections.read(&of("a".to_owned())).unwrap()));
        assert!(!Arc::ptr_eq(&first, &projections.read(&of("b".to_owned())).unwrap()));
        assert!(projections.read(b"\x80").is_err());
        let long = of("x".repeat(KNOWN_BYTES_MAX));
        let long = [projections.read(&long).unwrap(), projections.read(&long).unwrap()];
        assert!(!Arc::ptr_eq(&long[0], &long[1]));
    }

    #[test]
    fn whole_attributes_are_asked_for_once() {
        let (wanted, _) = wanted(&[path("m", &["a"]), path("b", &[]), path("m", &["c"])]);
        let attributes = wanted.attributes();
        assert_eq!(attributes.paths().collect::<Vec<_>>(), [&path("m", &[]), &path("b", &[])]);
        assert_eq!(Wanted::of_items(Some(&wanted)).printed.projection, None, "whole items are");
    }

    #[test]
    fn paths_that_overlap_go_down_as_they_are_for_the_origin_to_refuse() {
        let (wanted, tree) = wanted(&[path("m", &["a"]), path("b", &[]), path("m", &[])]);
        assert_eq!(wanted.attributes(), tree);
        assert!(Wanted::of_items(Some(&wanted)).printed.projection.is_some());
    }
}
