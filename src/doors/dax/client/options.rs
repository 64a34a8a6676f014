//! The options of operations, by number; absent ones are left out.

use dax_wire::Writer;
use model::call::{
    ReturnConsumedCapacity, ReturnItemCollectionMetrics, ReturnValues, ReturnValuesOnConditionCheckFailure,
    Select,
};

/// Options that are being written.
pub(super) struct Options<'w>(&'w mut Writer);

impl<'w> Options<'w> {
    /// Some clients send nothing in place of no options; this one always sends a map, as Go's does.
    pub(super) fn begin(out: &'w mut Writer) -> Options<'w> {
        out.begin_map();
        Options(out)
    }

    pub(super) fn end(self) {
        self.0.end();
    }

    fn int(self, number: i64, value: Option<i64>) -> Self {
        if let Some(value) = value {
            self.0.int(number);
            self.0.int(value);
        }
        self
    }

    fn bytes(self, number: i64, bytes: Option<&[u8]>) -> Self {
        if let Some(bytes) = bytes {
            self.0.int(number);
            self.0.bytes(bytes);
        }
        self
    }

    pub(super) fn projection(self, encoded: Option<&[u8]>) -> Self {
        self.bytes(0, encoded)
    }

    /// Of `getItem`.
    pub(super) fn strong(self, is_strong: Option<bool>) -> Self {
        if let Some(is_strong) = is_strong {
            self.0.int(2);
            self.0.bool(is_strong);
        }
        self
    }

    /// Of pages.
    pub(super) fn page_strong(self, is_strong: Option<bool>) -> Self {
        self.int(2, is_strong.map(i64::from))
    }

    pub(super) fn capacity(self, capacity: Option<ReturnConsumedCapacity>) -> Self {
        let number = capacity.map(|capacity| match capacity {
            ReturnConsumedCapacity::None => 0,
            ReturnConsumedCapacity::Total => 1,
            ReturnConsumedCapacity::Indexes => 2,
        });
        self.int(3, number)
    }

    pub(super) fn condition(self, encoded: Option<&[u8]>) -> Self {
        self.bytes(4, encoded)
    }

    pub(super) fn metrics(self, metrics: Option<ReturnItemCollectionMetrics>) -> Self {
        let number = metrics.map(|metrics| match metrics {
            ReturnItemCollectionMetrics::None => 0,
            ReturnItemCollectionMetrics::Size => 1,
        });
        self.int(6, number)
    }

    pub(super) fn values(self, values: Option<ReturnValues>) -> Self {
        let number = values.map(|values| match values {
            ReturnValues::None => 1,
            ReturnValues::AllOld => 2,
            ReturnValues::UpdatedOld => 3,
            ReturnValues::AllNew => 4,
            ReturnValues::UpdatedNew => 5,
        });
        self.int(7, number)
    }

    pub(super) fn update(self, encoded: Option<&[u8]>) -> Self {
        self.bytes(8, encoded)
    }

    pub(super) fn start(self, key: Option<&[u8]>) -> Self {
        self.bytes(9, key)
    }

    pub(super) fn filter(self, encoded: Option<&[u8]>) -> Self {
        self.bytes(10, encoded)
    }

    pub(super) fn index(self, name: Option<&str>) -> Self {
        self.bytes(11, name.map(str::as_bytes))
    }

    pub(super) fn limit(self, limit: Option<u32>) -> Self {
        self.int(13, limit.map(i64::from))
    }

    pub(super) fn forward(self, is_forward: Option<bool>) -> Self {
        self.int(14, is_forward.map(i64::from))
    }

    pub(super) fn select(self, select: Option<Select>) -> Self {
        let number = select.map(|select| match select {
            Select::AllAttributes => 1,
            Select::AllProjectedAttributes => 2,
            Select::Count => 3,
            Select::SpecificAttributes => 4,
        });
        self.int(15, number)
    }

    pub(super) fn segment(self, segment: Option<u32>, of: Option<u32>) -> Self {
        self.int(16, segment.map(i64::from)).int(17, of.map(i64::from))
    }

    pub(super) fn token(self, token: Option<&str>) -> Self {
        if let Some(token) = token {
            self.0.int(19);
            self.0.text(token);
        }
        self
    }
}

/// What a failed condition of a transaction shows.
pub(super) fn on_failure(shows: Option<ReturnValuesOnConditionCheckFailure>) -> i64 {
    match shows {
        None | Some(ReturnValuesOnConditionCheckFailure::None) => 1,
        Some(ReturnValuesOnConditionCheckFailure::AllOld) => 2,
    }
}
