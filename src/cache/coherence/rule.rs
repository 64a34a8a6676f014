//! The rules of coherence by name, so that a test can take one away and show that the checkers notice.

/// A rule of the coherence contract, named where the code keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A write moves its slots before it is forwarded.
    MoveBeforeForwarding,
    /// A write without a definite answer opens doubt and settling: it may be as new as any other.
    UnknownIsAWrite,
    /// A write without a definite answer is in doubt for a while.
    DoubtLasts,
    /// What a fill stores carries the stamp from before the origin was asked.
    FillsAreStamped,
    /// A write leaves its image only when no other write overlapped it.
    ImagesOnlyAlone,
    /// A transaction leaves no image.
    NoImagesFromTransactions,
    /// For a while after a write its keys are read strongly.
    WritesSettle,
    /// Making or dropping a table moves the table's slot.
    TablesHaveGenerations,
    /// A write whose keys are not known guards its table.
    OpaqueWritesGuardTables,
    /// An entry is found by the whole of its key.
    WholeKeys,
    /// A flight may be joined only under the word that it was begun under.
    FlightsJoinUnderTheirWord,
    /// A flight under a write in flight or in doubt takes nobody aboard once the origin was asked.
    DoubtfulFlightsClose,
    /// A read that is understood but passes by is asked strongly while its keys are unsettled.
    PassedReadsSettle,
    /// A key that a batch left unprocessed is not absent.
    UnprocessedIsNotAbsent,
    /// A strong answer refreshes or drops what it contradicts.
    StrongAnswersRefresh,
    /// Of two fills under equal words the one that was asked later stays.
    LaterFillsStay,
    /// A write moves the slot of its partition.
    WritesMovePartitions,
    /// A write moves the slots of the table's scans, where they are kept.
    WritesMoveScans,
    /// A write that may change what a global index has moves slots of the index.
    WritesMoveIndexes,
    /// A result of an index is kept no longer than the index had time to catch up.
    IndexesCatchUp,
    /// Making or dropping an index begins a new generation of it.
    IndexesHaveGenerations,
    /// A result is found by all that was asked for.
    WholeQuestions,
    /// A record of a table's stream moves the slots that a write would.
    RecordsMoveSlots,
    /// What is kept of a table is dropped when its stream is lost, and when following begins.
    LostStreamsDrop,
    /// Nothing is shown as fresh for longer than its TTL.
    EntriesExpire,
    /// What expired is shown for no longer than its grace.
    GraceEnds,
    /// A table that a description shows to have other indexes now is learnt again.
    DescriptionsAreNews,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Rule; 27] = [
        Rule::MoveBeforeForwarding,
        Rule::UnknownIsAWrite,
        Rule::DoubtLasts,
        Rule::FillsAreStamped,
        Rule::ImagesOnlyAlone,
        Rule::NoImagesFromTransactions,
        Rule::WritesSettle,
        Rule::TablesHaveGenerations,
        Rule::OpaqueWritesGuardTables,
        Rule::WholeKeys,
        Rule::FlightsJoinUnderTheirWord,
        Rule::DoubtfulFlightsClose,
        Rule::PassedReadsSettle,
        Rule::UnprocessedIsNotAbsent,
        Rule::StrongAnswersRefresh,
        Rule::LaterFillsStay,
        Rule::WritesMovePartitions,
        Rule::WritesMoveScans,
        Rule::WritesMoveIndexes,
        Rule::IndexesCatchUp,
        Rule::IndexesHaveGenerations,
        Rule::WholeQuestions,
        Rule::RecordsMoveSlots,
        Rule::LostStreamsDrop,
        Rule::EntriesExpire,
        Rule::GraceEnds,
        Rule::DescriptionsAreNews,
    ];
}

/// Which rules hold: all of them, except in a test of the checkers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rules {
    #[cfg(any(test, feature = "mutants"))]
    removed: Option<Rule>,
}

impl Rules {
    #[cfg(any(test, feature = "mutants"))]
    pub(crate) fn without(removed: Option<Rule>) -> Rules {
        Rules { removed }
    }

    /// Whether the rule holds.
    #[cfg(any(test, feature = "mutants"))]
    pub(crate) fn hold(self, rule: Rule) -> bool {
        self.removed != Some(rule)
    }

    /// Whether the rule holds.
    #[cfg(not(any(test, feature = "mutants")))]
    pub(crate) fn hold(self, _rule: Rule) -> bool {
        true
    }
}
