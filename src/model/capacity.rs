//! What reads and writes of so many bytes cost, in capacity units.
//!
//! DynamoDB: developer guide, "DynamoDB read and write operations". Reads count in units of 4 KB (halved if
//! they are eventually consistent, doubled in transactions), writes in units of 1 KB (doubled in transactions);
//! a KB has 1024 bytes.

const READ_UNIT_BYTES: usize = 4096;
const WRITE_UNIT_BYTES: usize = 1024;

/// How a read is made, which is what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// May not see what was written just before.
    Eventual,
    /// Sees everything that was written before.
    Strong,
    /// One of the reads of a transaction.
    Transactional,
}

impl Reading {
    /// As `ConsistentRead` has it.
    pub fn of(consistent_read: Option<bool>) -> Reading {
        if consistent_read == Some(true) { Reading::Strong } else { Reading::Eventual }
    }

    /// For what is read in one go: an item, or all items of a page of Query or Scan. What does not exist costs
    /// as much as the smallest item.
    ///
    /// What a table has to be provisioned with is this by the number of reads in a second. For 10 strongly
    /// consistent reads of 4 KB, then for 16 eventually consistent ones of 12 KB, then for 10 strongly
    /// consistent ones of 6 KB:
    ///
    /// ```
    /// use model::capacity::Reading;
    ///
    /// assert_eq!(10.0 * Reading::Strong.units(4 * 1024), 10.0);
    /// assert_eq!(16.0 * Reading::Eventual.units(12 * 1024), 24.0);
    /// assert_eq!(10.0 * Reading::Strong.units(6 * 1024), 20.0);
    /// ```
    pub fn units(self, bytes: usize) -> f64 {
        let units = bytes.div_ceil(READ_UNIT_BYTES).max(1) as f64;
        match self {
            Reading::Eventual => units / 2.0,
            Reading::Strong => units,
            Reading::Transactional => units * 2.0,
        }
    }
}

/// For one item written, by the larger of its sizes before and after. What changes nothing costs the same, and
/// what does not exist as much as the smallest item.
///
/// What a table has to be provisioned with is this by the number of writes in a second. For 10 items of 2 KB in
/// a second, then for 6 of 4.5 KB in a second, then for 120 of 2 KB in a minute:
///
/// ```
/// use model::capacity::write_units;
///
/// assert_eq!(10.0 * write_units(2 * 1024), 20.0);
/// assert_eq!(6.0 * write_units(4 * 1024 + 512), 30.0);
/// assert_eq!(120.0 / 60.0 * write_units(2 * 1024), 4.0);
/// ```
pub fn write_units(bytes: usize) -> f64 {
    bytes.div_ceil(WRITE_UNIT_BYTES).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_rounded_up() {
        for (bytes, eventual, strong) in [(0, 0.5, 1.0), (1, 0.5, 1.0), (4096, 0.5, 1.0), (4097, 1.0, 2.0)] {
            assert_eq!(Reading::Eventual.units(bytes), eventual);
            assert_eq!(Reading::Strong.units(bytes), strong);
            assert_eq!(Reading::Transactional.units(bytes), 2.0 * strong);
        }
        for (bytes, units) in [(0, 1.0), (1024, 1.0), (1025, 2.0), (4608, 5.0)] {
            assert_eq!(write_units(bytes), units);
        }
    }
}
