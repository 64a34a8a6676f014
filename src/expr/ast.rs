//! Expressions as trees, the way they were written.
//!
//! The nodes of a tree lie in a vector, children before parents, and know each other by index: to walk a tree
//! bottom-up is to walk the vector, and dropping one recurses nowhere, however deep it is.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name<'a> {
    Bare(&'a str),
    Placeholder(&'a str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    Member(Name<'a>),
    /// Its digits; how large it may be is no question of syntax.
    Index(&'a str),
}

/// A document path: begins with a member.
pub(crate) type Path<'a> = Vec<Step<'a>>;

/// Where an operand lies.
pub(crate) type OperandId = usize;

#[derive(Debug)]
pub(crate) enum Operand<'a> {
    Path(Path<'a>),
    /// A placeholder.
    Value(&'a str),
    Call {
        function: &'a str,
        arguments: Vec<OperandId>,
    },
    /// Only on the right side of a SET.
    Sum(Sign, OperandId, OperandId),
}

/// What joins two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Plus,
    Minus,
}

impl Sign {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Sign::Plus => "+",
            Sign::Minus => "-",
        }
    }
}

/// What compares two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Comparator {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Comparator::Equal => "=",
            Comparator::NotEqual => "<>",
            Comparator::Less => "<",
            Comparator::AtMost => "<=",
            Comparator::More => ">",
            Comparator::AtLeast => ">=",
        }
    }

    /// Whether it asks for an order, which not all types have.
    pub(crate) fn is_ordering(self) -> bool {
        !matches!(self, Comparator::Equal | Comparator::NotEqual)
    }

    /// The one that says the same with its operands exchanged.
    pub(crate) fn mirrored(self) -> Comparator {
        match self {
            Comparator::Less => Comparator::More,
            Comparator::AtMost => Comparator::AtLeast,
            Comparator::More => Comparator::Less,
            Comparator::AtLeast => Comparator::AtMost,
            same => same,
        }
    }
}

/// What has operands in parentheses. Some are for conditions, two are for updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    AttributeExists,
    AttributeNotExists,
    AttributeType,
    BeginsWith,
    Contains,
    Size,
    IfNotExists,
    ListAppend,
}

impl Function {
    const ALL: [Function; 8] = [
        Function::AttributeExists,
        Function::AttributeNotExists,
        Function::AttributeType,
        Function::BeginsWith,
        Function::Contains,
        Function::Size,
        Function::IfNotExists,
        Function::ListAppend,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Function::AttributeExists => "attribute_exists",
            Function::AttributeNotExists => "attribute_not_exists",
            Function::AttributeType => "attribute_type",
            Function::BeginsWith => "begins_with",
            Function::Contains => "contains",
            Function::Size => "size",
            Function::IfNotExists => "if_not_exists",
            Function::ListAppend => "list_append",
        }
    }

    /// Their case matters.
    pub(crate) fn parse(name: &str) -> Option<Function> {
        Function::ALL.into_iter().find(|function| function.as_str() == name)
    }

    /// How many operands it takes.
    pub(crate) fn arity(self) -> usize {
        match self {
            Function::AttributeExists | Function::AttributeNotExists | Function::Size => 1,
            Function::AttributeType
            | Function::BeginsWith
            | Function::Contains
            | Function::IfNotExists
            | Function::ListAppend => 2,
        }
    }
}

/// Where a node of a condition lies.
pub(crate) type NodeId = usize;

#[derive(Debug)]
pub(crate) enum Node {
    Compare(Comparator, OperandId, OperandId),
    Between([OperandId; 3]),
    In(OperandId, Vec<OperandId>),
    /// A function that answers with yes or no.
    Call(OperandId),
    Not(NodeId),
    And(NodeId, NodeId),
    Or(NodeId, NodeId),
}

/// A condition, a filter or a key condition. The last node is the root; the leaves lie in their written
/// order, and so do the operands.
#[derive(Debug)]
pub(crate) struct ConditionTree<'a> {
    pub(crate) operands: Vec<Operand<'a>>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) style: Style,
}

/// What only counts as a fault once the syntax is right.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    pub(crate) has_redundant_parentheses: bool,
    pub(crate) operators: usize,
}

/// What an update does with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Set,
    Remove,
    Add,
    Delete,
}

impl Section {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Section::Set => "SET",
            Section::Remove => "REMOVE",
            Section::Add => "ADD",
            Section::Delete => "DELETE",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Action<'a> {
    pub(crate) path: Path<'a>,
    pub(crate) verb: Verb<'a>,
}

#[derive(Debug)]
pub(crate) enum Verb<'a> {
    Set(OperandId),
    Remove,
    Add(&'a str),
    Delete(&'a str),
}

#[derive(Debug)]
pub(crate) struct UpdateTree<'a> {
    pub(crate) operands: Vec<Operand<'a>>,
    pub(crate) actions: Vec<Action<'a>>,
    /// The first section that came again.
    pub(crate) repeated: Option<Section>,
    pub(crate) style: Style,
}

impl<'a> UpdateTree<'a> {
    /// The actions in their order, each with the operands that are written in it.
    pub(crate) fn by_action(&self) -> impl Iterator<Item = (&Action<'a>, &[Operand<'a>])> {
        let mut start = 0;
        self.actions.iter().map(move |action| {
            // The operand that is assigned is the last one that was complete.
            let end = match action.verb {
                Verb::Set(assigned) => assigned + 1,
                Verb::Remove | Verb::Add(_) | Verb::Delete(_) => start,
            };
            let written = &self.operands[start..end];
            start = end;
            (action, written)
        })
    }
}
