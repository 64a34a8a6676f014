//! Expressions as trees, the way they were written.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name<'a> {
    Bare(&'a str),
    Placeholder(&'a str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    Member(Name<'a>),
    Index(u32),
}

/// A document path: begins with a member.
pub(crate) type Path<'a> = Vec<Step<'a>>;
