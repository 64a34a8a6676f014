//! One page of a Query or Scan: what it read, what of that it shows, and where it ended.

use expr::Condition;
use model::{Item, limits::PAGE_BYTES_MAX};
use store::{Direction, Space, View};

use crate::{
    EngineError,
    keys::{self, Span},
    record::Record,
    table::Table,
};

/// Where to read, and when to stop.
pub(crate) struct PageRequest<'a> {
    pub(crate) space: Space,
    pub(crate) span: &'a Span,
    /// The place behind which to begin.
    pub(crate) start: Option<&'a [u8]>,
    pub(crate) is_forward: bool,
    /// How many to read, filtered or not.
    pub(crate) limit: Option<usize>,
    pub(crate) filter: Option<&'a Condition>,
    /// Whether nobody wants to see what matches.
    pub(crate) is_counted_only: bool,
    /// The table from which to fetch the whole items that index entries stand for.
    pub(crate) fetch: Option<&'a Table>,
}

/// What was read.
pub(crate) struct Page {
    /// What matched, unless it was just counted.
    pub(crate) records: Vec<Record>,
    pub(crate) count: usize,
    pub(crate) scanned: usize,
    pub(crate) bytes: usize,
    /// The sizes of what was fetched from the table.
    pub(crate) fetched_bytes: Vec<usize>,
    /// The item after which a next page begins; none if everything was read.
    pub(crate) last: Option<Item>,
}

/// Reads a page from one consistent view. Its cost grows with the page, not with what lies around it.
///
/// DynamoDB: a page ends once it has read `Limit` items, even if those were the last ones, or more than 1 MB
/// (developer guide, "Paginating table query results").
///
/// # Errors
/// If the store cannot be read.
pub(crate) fn read(view: &View, request: &PageRequest<'_>) -> Result<Page, EngineError> {
    let direction = if request.is_forward { Direction::Forward } else { Direction::Backward };
    let bounds = request.span.bounds_behind(request.start, request.is_forward);
    let mut page =
        Page { records: Vec::new(), count: 0, scanned: 0, bytes: 0, fetched_bytes: Vec::new(), last: None };
    for entry in view.range(request.space, bounds, direction) {
        let (_key, value) = entry?;
        let mut record = Record::decode(value)?;
        page.scanned += 1;
        page.bytes += record.size();
        let is_full = request.limit == Some(page.scanned) || page.bytes > PAGE_BYTES_MAX;
        if let Some(table) = request.fetch {
            record = fetch(view, table, &record.item()?)?;
            page.fetched_bytes.push(record.size());
        }
        let mut item = None;
        if is_full || request.filter.is_some() {
            item = Some(record.item()?);
        }
        let matches = match (request.filter, &item) {
            (Some(filter), Some(item)) => filter.holds(item),
            _ => true,
        };
        if matches {
            page.count += 1;
            if !request.is_counted_only {
                page.records.push(record);
            }
        }
        if is_full {
            page.last = item;
            break;
        }
    }
    Ok(page)
}

/// The item of a table that an index entry stands for.
fn fetch(view: &View, table: &Table, entry: &Item) -> Result<Record, EngineError> {
    let key = table.key.key_of_item(entry).map_err(|_| EngineError::CorruptRecord)?;
    let value = view.get(table.space, &keys::item_key(&key))?.ok_or(EngineError::CorruptRecord)?;
    Record::decode(value)
}
