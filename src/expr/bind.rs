//! Trees and ExpressionAttributeNames to paths of real attribute names.

use std::collections::{HashMap, HashSet};

use model::limits::NESTING_LEVELS_MAX;

use crate::ExprError;
use crate::ast::{Name, Path, Step};
use crate::reserved::is_reserved;
use crate::token::is_name_byte;

/// A step of a path whose names are the attributes' own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BoundStep<'a> {
    Member(&'a str),
    Index(u32),
}

pub(crate) fn paths<'a>(
    paths: &[Path<'a>],
    names: &'a [(String, String)],
) -> Result<Vec<Vec<BoundStep<'a>>>, ExprError> {
    let mut names = Names::new(names)?;
    let bound = paths.iter().map(|path| names.bind(path)).collect::<Result<_, _>>()?;
    names.all_used()?;
    Ok(bound)
}

struct Names<'a> {
    defined: HashMap<&'a str, &'a str>,
    unused: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    fn new(names: &'a [(String, String)]) -> Result<Names<'a>, ExprError> {
        for (placeholder, name) in names {
            if !is_placeholder(placeholder) {
                return Err(ExprError::NotAPlaceholder(placeholder.clone()));
            }
            if name.is_empty() {
                return Err(ExprError::EmptyName(placeholder.clone()));
            }
        }
        let defined: HashMap<_, _> = names.iter().map(|(key, name)| (key.as_str(), name.as_str())).collect();
        Ok(Names { unused: defined.keys().copied().collect(), defined })
    }

    /// DynamoDB: a path may have 32 elements, the attribute's own name included (Alternator's
    /// test_projection_expression.py, which its authors run against DynamoDB too).
    fn bind(&mut self, path: &Path<'a>) -> Result<Vec<BoundStep<'a>>, ExprError> {
        if path.len() > NESTING_LEVELS_MAX {
            return Err(ExprError::PathTooLong);
        }
        path.iter()
            .map(|step| match *step {
                Step::Member(name) => self.resolve(name).map(BoundStep::Member),
                Step::Index(index) => Ok(BoundStep::Index(index)),
            })
            .collect()
    }

    fn resolve(&mut self, name: Name<'a>) -> Result<&'a str, ExprError> {
        match name {
            // DynamoDB: reserved words are refused at any depth of a path, not just at its beginning.
            Name::Bare(word) if is_reserved(word) => Err(ExprError::ReservedWord(word.to_owned())),
            Name::Bare(word) => Ok(word),
            Name::Placeholder(key) => {
                self.unused.remove(key);
                self.defined.get(key).copied().ok_or_else(|| ExprError::UndefinedName(key.to_owned()))
            }
        }
    }

    fn all_used(&self) -> Result<(), ExprError> {
        match self.unused.iter().next() {
            None => Ok(()),
            Some(&key) => Err(ExprError::UnusedName(key.to_owned())),
        }
    }
}

/// DynamoDB: developer guide, "Expression attribute names": `#`, then letters, digits and underscores.
fn is_placeholder(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_name_byte))
}
