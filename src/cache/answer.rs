//! Reading the origin's answers and composing ours.

use backend::Document;
use bytes::Bytes;
use expr::Projection;
use model::{
    IndexScope, Item, UniqueMap,
    call::{Projecting, ReturnConsumedCapacity},
    json,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::entry::Entry;

/// The answer to a `GetItem`, as far as it can be kept.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct GotItem<'a> {
    #[serde(borrow)]
    pub(crate) item: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) consumed_capacity: Option<&'a RawValue>,
}

/// The answer to a `BatchGetItem`, as far as it can be kept.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct GotBatch<'a> {
    #[serde(borrow, default)]
    pub(crate) responses: UniqueMap<Vec<&'a RawValue>>,
    #[serde(default)]
    pub(crate) unprocessed_keys: UniqueMap<Unprocessed>,
    #[serde(borrow, default)]
    pub(crate) consumed_capacity: Vec<&'a RawValue>,
}

/// Keys that a batch did not get to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Unprocessed {
    pub(crate) keys: Vec<Item>,
}

/// The answer to a `Query` or a `Scan`, as far as it can be kept.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct GotPage<'a> {
    #[serde(borrow)]
    items: Option<&'a RawValue>,
    count: u64,
    scanned_count: u64,
    #[serde(borrow)]
    last_evaluated_key: Option<&'a RawValue>,
    #[serde(borrow)]
    consumed_capacity: Option<&'a RawValue>,
}

impl<'a> GotItem<'a> {
    /// `None` if the answer is of another shape: then it is passed on and not kept.
    pub(crate) fn read(body: &'a [u8]) -> Option<GotItem<'a>> {
        serde_json::from_slice(body).ok()
    }
}

impl<'a> GotPage<'a> {
    /// `None` if the answer is of another shape: then it is passed on and not kept.
    pub(crate) fn read(body: &'a [u8]) -> Option<GotPage<'a>> {
        serde_json::from_slice(body).ok()
    }

    /// What an entry keeps of the body that this was read from, and whether that shows nothing.
    pub(crate) fn kept(&self, body: &Bytes) -> (Document, bool) {
        let is_negative = self.count == 0 && self.last_evaluated_key.is_none();
        if self.consumed_capacity.is_none() {
            // A copy: bodies may be parts of the buffer that the origin's client reads into, of which an entry
            // would hold the whole for as long as it lives.
            return (Document::new(Bytes::copy_from_slice(body)), is_negative);
        }
        let mut kept = format!("{{\"Count\":{},\"ScannedCount\":{}", self.count, self.scanned_count);
        for (name, value) in [("Items", self.items), ("LastEvaluatedKey", self.last_evaluated_key)] {
            if let Some(value) = value {
                kept.push_str(&format!(",\"{name}\":{}", value.get()));
            }
        }
        kept.push('}');
        // What a string has room for beyond its end is no part of the entry's weight.
        (Document::new(Bytes::from(kept.into_boxed_str().into_boxed_bytes())), is_negative)
    }
}

impl<'a> GotBatch<'a> {
    /// `None` if the answer is of another shape: then it is passed on and not kept.
    pub(crate) fn read(body: &'a [u8]) -> Option<GotBatch<'a>> {
        serde_json::from_slice(body).ok()
    }
}

/// The new image in the answer to an `UpdateItem` that asked for `ALL_NEW`.
pub(crate) fn updated_image(body: &[u8]) -> Option<&RawValue> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Updated<'a> {
        #[serde(borrow)]
        attributes: Option<&'a RawValue>,
    }
    serde_json::from_slice::<Updated<'_>>(body).ok()?.attributes
}

/// The old image in the answer to a write that asked for `ALL_OLD`: without it there was no item.
pub(crate) fn replaced_image(body: &[u8]) -> Option<Option<Item>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Replaced<'a> {
        #[serde(borrow)]
        attributes: Option<&'a RawValue>,
    }
    let Replaced { attributes } = serde_json::from_slice(body).ok()?;
    match attributes {
        None => Some(None),
        Some(item) => json::item_from_slice(item.get().as_bytes()).ok().map(Some),
    }
}

/// The numbers that the items of an answer have in this attribute.
pub(crate) fn numbers_of(body: &[u8], attribute: &str) -> Vec<f64> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Shown {
        item: Option<Value>,
        #[serde(default)]
        items: Vec<Value>,
    }
    let Ok(Shown { item, items }) = serde_json::from_slice::<Shown>(body) else { return vec![] };
    let number = |item: &Value| item.get(attribute)?.get("N")?.as_str()?.parse().ok();
    item.iter().chain(&items).filter_map(number).collect()
}

/// Whether a `BatchWriteItem` did all that it was asked to.
pub(crate) fn processed_everything(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Written {
        #[serde(default)]
        unprocessed_items: UniqueMap<serde::de::IgnoredAny>,
    }
    serde_json::from_slice::<Written>(body).is_ok_and(|written| written.unprocessed_items.is_empty())
}

/// What a read wants of an item.
#[derive(Debug)]
pub(crate) enum View {
    Whole,
    Projected(Projection),
}

impl View {
    /// `None` if the origin might refuse it: then the request is forwarded as it came.
    pub(crate) fn of(wanted: Projecting<'_>) -> Option<View> {
        match (wanted.expression, wanted.names, wanted.attributes) {
            (None, None, None) => Some(View::Whole),
            (Some(expression), names, None) => {
                // DynamoDB: ExpressionAttributeNames, if given, "must not be empty".
                if names.is_some_and(UniqueMap::is_empty) {
                    return None;
                }
                let names = names.map_or(&[][..], UniqueMap::as_slice);
                Projection::parse(expression, names).ok().map(View::Projected)
            }
            (None, None, Some(attributes)) => {
                Projection::from_attributes(attributes).ok().map(View::Projected)
            }
            _ => None,
        }
    }

    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, View::Whole)
    }

    /// Writes what it wants of an item; `None` if the item is not one that this version can read.
    pub(crate) fn write(&self, item_json: &[u8], into: &mut Vec<u8>) -> Option<()> {
        match self {
            View::Whole => into.extend_from_slice(item_json),
            View::Projected(projection) => {
                let item = json::item_from_slice(item_json).ok()?;
                json::item_to_json(&projection.apply(&item), into);
            }
        }
        Some(())
    }

    /// Whether an answer shows just what an entry would have shown; `false` if that cannot be told.
    pub(crate) fn agrees(&self, entry: &Entry, answered: Option<&RawValue>) -> bool {
        match (entry.item_json(), answered) {
            (None, None) => true,
            (Some(kept), Some(answered)) => {
                let mut shown = Vec::new();
                self.write(kept, &mut shown).is_some()
                    && json::item_from_slice(&shown).ok()
                        == json::item_from_slice(answered.get().as_bytes()).ok()
            }
            _ => false,
        }
    }
}

/// What an answer says of consumed capacity.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Consumed<'a> {
    /// Nothing: nobody asked.
    Unsaid,
    /// Nothing was consumed.
    Zero(ReturnConsumedCapacity),
    /// As the origin said.
    Origin(&'a RawValue),
}

impl Consumed<'_> {
    /// Nothing was consumed, if anybody asked.
    pub(crate) fn none(asked: Option<ReturnConsumedCapacity>) -> Consumed<'static> {
        match asked {
            None | Some(ReturnConsumedCapacity::None) => Consumed::Unsaid,
            Some(detail) => Consumed::Zero(detail),
        }
    }

    fn write(self, table_name: &str, into: &mut Vec<u8>) {
        self.write_of(table_name, None, into);
    }

    fn write_of(self, table_name: &str, index: Option<(&str, IndexScope)>, into: &mut Vec<u8>) {
        match self {
            Consumed::Unsaid => {}
            Consumed::Origin(consumed) => into.extend_from_slice(consumed.get().as_bytes()),
            Consumed::Zero(detail) => {
                into.extend_from_slice(b"{\"TableName\":");
                write_string(table_name, into);
                into.extend_from_slice(b",\"CapacityUnits\":0.0");
                if detail == ReturnConsumedCapacity::Indexes {
                    into.extend_from_slice(b",\"Table\":{\"CapacityUnits\":0.0}");
                    if let Some((index, scope)) = index {
                        into.extend_from_slice(match scope {
                            IndexScope::Local => b",\"LocalSecondaryIndexes\":{",
                            IndexScope::Global => &b",\"GlobalSecondaryIndexes\":{"[..],
                        });
                        write_string(index, into);
                        into.extend_from_slice(b":{\"CapacityUnits\":0.0}}");
                    }
                }
                into.push(b'}');
            }
        }
    }
}

/// The answer to a `GetItem` out of an entry; `None` if its item is not one that this version can project.
pub(crate) fn compose_item(
    entry: &Entry,
    view: &View,
    table_name: &str,
    consumed: Consumed<'_>,
) -> Option<Document> {
    if view.is_whole() && matches!(consumed, Consumed::Unsaid) {
        return Some(entry.document.clone());
    }
    let mut body = Vec::with_capacity(entry.document.body.len() + 96);
    if let Some(item_json) = entry.item_json() {
        body.extend_from_slice(b",\"Item\":");
        view.write(item_json, &mut body)?;
    }
    if !matches!(consumed, Consumed::Unsaid) {
        body.extend_from_slice(b",\"ConsumedCapacity\":");
        consumed.write(table_name, &mut body);
    }
    // The first member's comma makes room for the brace.
    match body.first_mut() {
        Some(comma) => *comma = b'{',
        None => body.push(b'{'),
    }
    body.push(b'}');
    Some(Document::new(Bytes::from(body)))
}

/// The answer to a query or a scan out of an entry.
pub(crate) fn compose_page(
    entry: &Entry,
    table_name: &str,
    index: Option<(&str, IndexScope)>,
    consumed: Consumed<'_>,
) -> Document {
    let page = &entry.document.body;
    let Some(members) = page.strip_suffix(b"}").filter(|_| !matches!(consumed, Consumed::Unsaid)) else {
        return entry.document.clone();
    };
    let mut body = Vec::with_capacity(page.len() + 128);
    body.extend_from_slice(members);
    body.extend_from_slice(b",\"ConsumedCapacity\":");
    consumed.write_of(table_name, index, &mut body);
    body.push(b'}');
    Document::new(Bytes::from(body))
}

/// The answer to a `BatchGetItem`, put together table by table.
#[derive(Debug, Default)]
pub(crate) struct BatchComposer {
    responses: Vec<u8>,
    unprocessed: Vec<u8>,
    consumed: Vec<u8>,
}

impl BatchComposer {
    /// Adds a table's items.
    pub(crate) fn table<'e>(
        &mut self,
        table_name: &str,
        view: &View,
        items: impl Iterator<Item = &'e [u8]>,
    ) -> Option<()> {
        let into = &mut self.responses;
        begin_member(table_name, into);
        into.push(b'[');
        let mut is_first = true;
        for item_json in items {
            if !std::mem::take(&mut is_first) {
                into.push(b',');
            }
            view.write(item_json, into)?;
        }
        into.push(b']');
        Some(())
    }

    /// Adds what the client has to ask for again, as JSON.
    pub(crate) fn unprocessed(&mut self, table_name: &str, keys_and_attributes: &str) {
        begin_member(table_name, &mut self.unprocessed);
        self.unprocessed.extend_from_slice(keys_and_attributes.as_bytes());
    }

    /// Adds what a table consumed.
    pub(crate) fn consumed(&mut self, table_name: &str, consumed: Consumed<'_>) {
        if matches!(consumed, Consumed::Unsaid) {
            return;
        }
        if !self.consumed.is_empty() {
            self.consumed.push(b',');
        }
        consumed.write(table_name, &mut self.consumed);
    }

    pub(crate) fn finish(self) -> Document {
        let mut body = Vec::with_capacity(self.responses.len() + self.consumed.len() + 64);
        body.extend_from_slice(b"{\"Responses\":{");
        body.extend_from_slice(&self.responses);
        body.extend_from_slice(b"},\"UnprocessedKeys\":{");
        body.extend_from_slice(&self.unprocessed);
        body.push(b'}');
        if !self.consumed.is_empty() {
            body.extend_from_slice(b",\"ConsumedCapacity\":[");
            body.extend_from_slice(&self.consumed);
            body.push(b']');
        }
        body.push(b'}');
        Document::new(Bytes::from(body))
    }
}

fn begin_member(name: &str, into: &mut Vec<u8>) {
    if !into.is_empty() {
        into.push(b',');
    }
    write_string(name, into);
    into.push(b':');
}

fn write_string(text: &str, into: &mut Vec<u8>) {
    serde_json::to_writer(into, text).expect("a string can always be written to memory");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_page_is_no_part_of_the_buffer_that_it_came_in() {
        let body = Bytes::from_static(br#"{"Items":[],"Count":0,"ScannedCount":0}"#);
        let (kept, is_negative) = GotPage::read(&body).unwrap().kept(&body);
        assert!(is_negative && kept.body == body && kept.body.as_ptr() != body.as_ptr());
    }
}
