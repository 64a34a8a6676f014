//! Document paths of real attribute names, and the tree that several of them make.

use std::collections::BTreeMap;
use std::fmt;

use model::{AttributeValue, Item};

use crate::Fault;

/// One level further inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Member(String),
    Index(u32),
}

/// From an item's attribute to something inside of it. As deep as items are, which `bind` sees to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentPath {
    attribute: String,
    inside: Vec<Step>,
}

impl DocumentPath {
    pub fn new(attribute: String, inside: Vec<Step>) -> DocumentPath {
        DocumentPath { attribute, inside }
    }

    /// The name that it begins with.
    pub fn attribute(&self) -> &str {
        &self.attribute
    }

    /// The way from there on.
    pub fn inside(&self) -> &[Step] {
        &self.inside
    }

    pub(crate) fn is_nested(&self) -> bool {
        !self.inside.is_empty()
    }

    /// The attribute's own name included.
    pub(crate) fn levels(&self) -> usize {
        1 + self.inside.len()
    }

    /// What lies there; nothing if a step does not exist, or is into something of another type.
    pub fn find<'i>(&self, item: &'i Item) -> Option<&'i AttributeValue> {
        self.inside.iter().try_fold(item.get(&self.attribute)?, |value, step| match (step, value) {
            (Step::Member(name), AttributeValue::M(map)) => map.get(name),
            (Step::Index(index), AttributeValue::L(list)) => list.get(*index as usize),
            _ => None,
        })
    }

    fn meets(&self, other: &DocumentPath) -> Meeting {
        if self.attribute != other.attribute {
            return Meeting::Never;
        }
        for steps in self.inside.iter().zip(&other.inside) {
            match steps {
                (Step::Member(_), Step::Index(_)) | (Step::Index(_), Step::Member(_)) => {
                    return Meeting::Conflict;
                }
                (one, two) if one != two => return Meeting::Never,
                _ => {}
            }
        }
        Meeting::Overlap
    }
}

/// DynamoDB: `[a, b, [1]]` for `a.b[1]`.
impl fmt::Display for DocumentPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}", self.attribute)?;
        for step in &self.inside {
            match step {
                Step::Member(name) => write!(f, ", {name}")?,
                Step::Index(index) => write!(f, ", [{index}]")?,
            }
        }
        f.write_str("]")
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Meeting {
    Never,
    /// One is the other, or leads to it.
    Overlap,
    /// One takes for a map what the other takes for a list.
    Conflict,
}

/// Paths merged by what they have in common; each carries something to where it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathTree<T>(pub(crate) BTreeMap<String, Branch<T>>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Branch<T> {
    Leaf(T),
    Members(BTreeMap<String, Branch<T>>),
    Elements(BTreeMap<u32, Branch<T>>),
}

/// That a path does not go with those before it.
struct Clash;

impl<T> PathTree<T> {
    pub(crate) fn empty() -> PathTree<T> {
        PathTree(BTreeMap::new())
    }

    /// DynamoDB: two paths clash by what they say, whatever an item holds. Overlaps are reported before
    /// conflicts (dynalite's tests). Which of several pairs comes first has changed over the years (a note in
    /// the same tests); here it is the first in writing.
    pub(crate) fn of<'p>(paths: impl Iterator<Item = (&'p DocumentPath, T)> + Clone) -> Result<Self, Fault> {
        let mut tree = PathTree::empty();
        for (path, leaf) in paths.clone() {
            if insert(&mut tree.0, path.attribute.clone(), &path.inside, leaf).is_err() {
                let paths: Vec<_> = paths.map(|(path, _leaf)| path).collect();
                return Err(first_clash(&paths));
            }
        }
        Ok(tree)
    }
}

impl PathTree<()> {
    /// The paths that it is made of, in the order of the tree.
    pub(crate) fn paths(&self) -> Vec<DocumentPath> {
        let mut paths = Vec::new();
        for (attribute, branch) in &self.0 {
            branch.walk(&mut Vec::new(), &mut |inside| {
                paths.push(DocumentPath::new(attribute.clone(), inside.to_vec()));
            });
        }
        paths
    }
}

/// As deep as a path is long.
fn insert<K: Ord, T>(
    branches: &mut BTreeMap<K, Branch<T>>,
    key: K,
    rest: &[Step],
    leaf: T,
) -> Result<(), Clash> {
    match branches.get_mut(&key) {
        Some(branch) => branch.add(rest, leaf),
        None => {
            branches.insert(key, Branch::of(rest, leaf));
            Ok(())
        }
    }
}

impl<T> Branch<T> {
    fn of(path: &[Step], leaf: T) -> Branch<T> {
        match path.split_first() {
            None => Branch::Leaf(leaf),
            Some((Step::Member(name), rest)) => {
                Branch::Members(BTreeMap::from([(name.clone(), Branch::of(rest, leaf))]))
            }
            Some((&Step::Index(index), rest)) => {
                Branch::Elements(BTreeMap::from([(index, Branch::of(rest, leaf))]))
            }
        }
    }

    /// Shows the way to each leaf. As deep as paths are long.
    fn walk(&self, way: &mut Vec<Step>, found: &mut impl FnMut(&[Step])) {
        let mut go_on = |step, branch: &Branch<T>| {
            way.push(step);
            branch.walk(way, found);
            way.pop();
        };
        match self {
            Branch::Leaf(_) => found(way),
            Branch::Members(members) => {
                members.iter().for_each(|(name, branch)| go_on(Step::Member(name.clone()), branch));
            }
            Branch::Elements(elements) => {
                elements.iter().for_each(|(index, branch)| go_on(Step::Index(*index), branch));
            }
        }
    }

    fn add(&mut self, path: &[Step], leaf: T) -> Result<(), Clash> {
        match (self, path.split_first()) {
            (Branch::Members(members), Some((Step::Member(name), rest))) => {
                insert(members, name.clone(), rest, leaf)
            }
            (Branch::Elements(elements), Some((&Step::Index(index), rest))) => {
                insert(elements, index, rest, leaf)
            }
            _ => Err(Clash),
        }
    }
}

fn first_clash(paths: &[&DocumentPath]) -> Fault {
    let first = |wanted| {
        paths.iter().enumerate().find_map(|(i, two)| {
            let one = paths[..i].iter().find(|one| one.meets(two) == wanted)?;
            Some((one.to_string(), two.to_string()))
        })
    };
    if let Some((one, two)) = first(Meeting::Overlap) {
        return Fault::PathsOverlap { one, two };
    }
    let (one, two) = first(Meeting::Conflict).expect("paths that do not meet fit into one tree");
    Fault::PathsConflict { one, two }
}

#[cfg(test)]
mod tests {
    use model::json::item_from_slice;

    use super::*;

    fn path(attribute: &str, inside: &[Result<&str, u32>]) -> DocumentPath {
        let step = |step: &Result<&str, u32>| match *step {
            Ok(name) => Step::Member(name.to_owned()),
            Err(index) => Step::Index(index),
        };
        DocumentPath::new(attribute.to_owned(), inside.iter().map(step).collect())
    }

    #[test]
    fn paths_find_what_is_there() {
        let item = item_from_slice(
            br#"{"a":{"M":{"b":{"L":[{"N":"1"},{"M":{"c":{"S":"x"}}}]}}},"s":{"S":"y"},"n":{"SS":["z"]}}"#,
        )
        .unwrap();
        let cases = [
            (path("s", &[]), Some("S")),
            (path("a", &[Ok("b")]), Some("L")),
            (path("a", &[Ok("b"), Err(0)]), Some("N")),
            (path("a", &[Ok("b"), Err(1), Ok("c")]), Some("S")),
            (path("a", &[Ok("b"), Err(2)]), None),
            (path("a", &[Ok("b"), Ok("c")]), None),
            (path("a", &[Err(0)]), None),
            (path("s", &[Ok("b")]), None),
            (path("n", &[Err(0)]), None),
            (path("x", &[]), None),
        ];
        for (path, expected) in cases {
            assert_eq!(path.find(&item).map(AttributeValue::type_name), expected, "{path}");
        }
    }

    #[test]
    fn paths_are_shown_like_lists() {
        assert_eq!(path("a", &[]).to_string(), "[a]");
        assert_eq!(path("a", &[Ok("b"), Err(1), Ok("[3]")]).to_string(), "[a, b, [1], [3]]");
    }
}
