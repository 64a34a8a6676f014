//! From a reply to what DynamoDB would have answered.

mod costs;

use dax_wire::{Budget, Malformed, expect_end, for_each, item, key, value};
use expr::Tree;
use minicbor::{Decoder, data::Type};
use model::{Item, KeySchema, call::ReturnValues};
use serde_json::{Map, Value, json};

use self::costs::{capacity, extended_capacity, metrics, put_capacities, put_collections};
use super::{
    ErrorReply,
    learnt::Learnt,
    part::Part,
    request::{Form, Prepared, Single},
};

/// Why a reply is not read, or not yet.
#[derive(Debug)]
pub(super) enum Unread {
    Malformed(Malformed),
    /// The names behind this number are not known.
    List(i64),
    Refused(ErrorReply),
}

impl From<Malformed> for Unread {
    fn from(why: Malformed) -> Unread {
        Unread::Malformed(why)
    }
}

impl From<minicbor::decode::Error> for Unread {
    fn from(error: minicbor::decode::Error) -> Unread {
        Unread::Malformed(error.into())
    }
}

type Reads<T> = Result<T, Unread>;

/// What DynamoDB would have answered.
pub(super) fn result(prepared: &Prepared, bytes: &[u8], learnt: &Learnt) -> Reads<Value> {
    let mut decoder = Decoder::new(bytes);
    let answer = match &prepared.form {
        Form::Item(single) => got(single, &mut decoder, learnt)?,
        Form::Written { table, key, values } => {
            written(schema(learnt, table)?, key, *values, &mut decoder, learnt)?
        }
        Form::Page { table, projection, is_of_index, counts_only } => {
            let page = Page { schema: schema(learnt, table)?, projection: projection.as_ref() };
            page.read(*is_of_index, *counts_only, &mut decoder, learnt)?
        }
        Form::Batch(tables) => batch(tables, &mut decoder, learnt)?,
        Form::BatchWritten => batch_written(&mut decoder, learnt)?,
        Form::Transaction(reads) => transaction(reads, &mut decoder, learnt)?,
        Form::TransactionWritten(_) => transaction_written(&mut decoder, learnt)?,
    };
    expect_end(&decoder)?;
    Ok(answer)
}

/// An error that has no items within it.
pub(super) fn plain_error(bytes: &[u8]) -> Result<ErrorReply, Malformed> {
    let mut decoder = Decoder::new(bytes);
    let (mut error, reasons) = error_head(&mut decoder)?;
    if reasons {
        error.reasons = Some(Vec::new());
    }
    Ok(error)
}

/// The codes, the message and the facts; whether there are reasons to be read yet.
fn error_head(decoder: &mut Decoder<'_>) -> Result<(ErrorReply, bool), Malformed> {
    let mut codes = Vec::new();
    let length = decoder.array()?;
    for_each(decoder, length, |decoder| {
        codes.push(decoder.i64()?);
        Ok(())
    })?;
    let message = decoder.str()?.to_owned();
    let mut error = ErrorReply { codes, message, name: None, status: None, reasons: None };
    if null(decoder)? {
        return Ok((error, false));
    }
    let facts = decoder.array()?.ok_or(Malformed::WrongType)?;
    if !(3..=4).contains(&facts) {
        return Err(Malformed::WrongType);
    }
    let _request_id = text_or_null(decoder)?;
    error.name = text_or_null(decoder)?;
    error.status = if null(decoder)? { None } else { Some(decoder.i64()?) };
    Ok((error, facts == 4))
}

pub(super) fn error(prepared: &Prepared, bytes: &[u8], learnt: &Learnt) -> Reads<ErrorReply> {
    let mut decoder = Decoder::new(bytes);
    let (mut error, has_reasons) = error_head(&mut decoder)?;
    if has_reasons {
        let keys: Vec<(&str, &Item)> = match &prepared.form {
            Form::TransactionWritten(keys) => keys.iter().map(|(table, key)| (table.as_str(), key)).collect(),
            Form::Transaction(reads) => reads.iter().map(|read| (read.table.as_str(), &read.key)).collect(),
            _ => Vec::new(),
        };
        // Go's and Java's clients fail over any other number.
        if decoder.array()? != Some(3 * keys.len() as u64) {
            return Err(Malformed::WrongType.into());
        }
        let mut reasons = Vec::new();
        for (table, key) in keys {
            let mut reason = Map::new();
            reason.insert("Code".to_owned(), text_or_null(&mut decoder)?.into());
            if let Some(message) = text_or_null(&mut decoder)? {
                reason.insert("Message".to_owned(), message.into());
            }
            if !null(&mut decoder)? {
                let whole = whole(decoder.bytes()?, schema(learnt, table)?, key, learnt)?;
                reason.insert("Item".to_owned(), json_of(&whole));
            }
            reasons.push(Value::Object(reason));
        }
        error.reasons = Some(reasons);
    }
    expect_end(&decoder)?;
    Ok(error)
}

fn schema<'l>(learnt: &'l Learnt, table: &str) -> Reads<&'l KeySchema> {
    Ok(learnt.schema(table).ok_or(Malformed::WrongType)?)
}

fn null(decoder: &mut Decoder<'_>) -> Result<bool, Malformed> {
    if decoder.datatype()? != Type::Null {
        return Ok(false);
    }
    decoder.null()?;
    Ok(true)
}

fn text_or_null(decoder: &mut Decoder<'_>) -> Result<Option<String>, Malformed> {
    if null(decoder)? { Ok(None) } else { Ok(Some(decoder.str()?.to_owned())) }
}

fn json_of(item: &Item) -> Value {
    serde_json::to_value(item).expect("an item is JSON")
}

/// The entries of a map of results by number. DAX: some clients read no other length than this.
fn entries<'b>(
    decoder: &mut Decoder<'b>,
    mut read: impl FnMut(i64, &mut Decoder<'b>) -> Reads<()>,
) -> Reads<()> {
    if decoder.datatype()? == Type::Null {
        decoder.null()?;
        return Ok(());
    }
    if decoder.map()?.is_some() {
        return Err(Malformed::WrongType.into());
    }
    while decoder.datatype()? != Type::Break {
        let number = decoder.i64()?;
        read(number, decoder)?;
    }
    decoder.set_position(decoder.position() + 1);
    Ok(())
}

/// As [`for_each`], of a length that is said, for what may be unread for other reasons.
fn counted<'b>(
    length: Option<u64>,
    decoder: &mut Decoder<'b>,
    mut read: impl FnMut(&mut Decoder<'b>) -> Reads<()>,
) -> Reads<()> {
    let length = length.ok_or(Malformed::WrongType)?;
    (0..length).try_for_each(|_| read(decoder))
}

/// An item: its values with the names behind its number, and its key.
fn whole(blob: &[u8], schema: &KeySchema, key: &Item, learnt: &Learnt) -> Reads<Item> {
    let (number, values) = item::split_list(blob)?;
    let names = learnt.names(number).ok_or(Unread::List(number))?;
    let mut whole = item::decode(values, names, &mut Budget::of_request())?;
    for attribute in schema.attributes() {
        let value = key.get(&attribute.name).ok_or(Malformed::WrongType)?;
        if whole.insert(attribute.name.clone(), value.clone()).is_some() {
            return Err(Malformed::DuplicateAttribute.into());
        }
    }
    Ok(whole)
}

/// What lies at each of the paths, by its number.
fn projected(projection: &Tree, decoder: &mut Decoder<'_>) -> Reads<Item> {
    let paths: Vec<_> = projection.paths().collect();
    let mut item = Part::default();
    let length = decoder.map()?;
    counted(length, decoder, |decoder| {
        let place = usize::try_from(decoder.i64()?).unwrap_or(usize::MAX);
        let path = paths.get(place).ok_or(Malformed::WrongType)?;
        item.put(path, value::decode(decoder, &mut Budget::of_request())?);
        Ok(())
    })?;
    Ok(item.item())
}

fn got(single: &Single, decoder: &mut Decoder<'_>, learnt: &Learnt) -> Reads<Value> {
    let mut answer = Map::new();
    entries(decoder, |number, decoder| {
        match (number, &single.projection) {
            (0, Some(projection)) => {
                answer.insert("Item".to_owned(), json_of(&projected(projection, decoder)?));
            }
            (0, None) => {
                let item = whole(decoder.bytes()?, schema(learnt, &single.table)?, &single.key, learnt)?;
                answer.insert("Item".to_owned(), json_of(&item));
            }
            (1, _) => drop(answer.insert("ConsumedCapacity".to_owned(), capacity(decoder)?)),
            _ => return Err(Malformed::WrongType.into()),
        }
        Ok(())
    })?;
    Ok(Value::Object(answer))
}

fn written(
    schema: &KeySchema,
    key: &Item,
    values: Option<ReturnValues>,
    decoder: &mut Decoder<'_>,
    learnt: &Learnt,
) -> Reads<Value> {
    let mut answer = Map::new();
    entries(decoder, |number, decoder| {
        match (number, values) {
            // Go's client fails over attributes that nobody asked for.
            (2, None | Some(ReturnValues::None)) => return Err(Malformed::WrongType.into()),
            (2, Some(ReturnValues::UpdatedNew | ReturnValues::UpdatedOld)) => {
                let (number, changed) = item::split_list(decoder.bytes()?)?;
                let names = learnt.names(number).ok_or(Unread::List(number))?;
                if Decoder::new(changed).map()?.is_some() {
                    return Err(Malformed::WrongType.into());
                }
                let changed = item::decode_changed(changed, names)?;
                answer.insert("Attributes".to_owned(), json_of(&changed));
            }
            (2, Some(ReturnValues::AllOld | ReturnValues::AllNew)) => {
                answer
                    .insert("Attributes".to_owned(), json_of(&whole(decoder.bytes()?, schema, key, learnt)?));
            }
            (1, _) => drop(answer.insert("ConsumedCapacity".to_owned(), capacity(decoder)?)),
            (3, _) => {
                let metrics = metrics(schema, decoder)?;
                answer.insert("ItemCollectionMetrics".to_owned(), metrics);
            }
            _ => return Err(Malformed::WrongType.into()),
        }
        Ok(())
    })?;
    Ok(Value::Object(answer))
}

/// How the items of a page, or of a table of a batch, are read.
struct Page<'a> {
    schema: &'a KeySchema,
    projection: Option<&'a Tree>,
}

impl Page<'_> {
    fn read(
        &self,
        is_of_index: bool,
        counts_only: bool,
        decoder: &mut Decoder<'_>,
        learnt: &Learnt,
    ) -> Reads<Value> {
        let mut answer = Map::new();
        entries(decoder, |number, decoder| {
            let (name, value) = match number {
                1 => ("ConsumedCapacity", capacity(decoder)?),
                7 if !counts_only => ("Items", self.items(decoder, learnt)?),
                8 => ("Count", decoder.i64()?.into()),
                9 => {
                    let bytes = decoder.bytes()?;
                    let last = match is_of_index {
                        // Go's and Java's clients read no other length.
                        true if Decoder::new(bytes).map()?.is_some() => {
                            return Err(Malformed::WrongType.into());
                        }
                        true => key::decode_compound(bytes)?,
                        false => key::decode(self.schema, bytes)?,
                    };
                    ("LastEvaluatedKey", json_of(&last))
                }
                10 => ("ScannedCount", decoder.i64()?.into()),
                _ => return Err(Malformed::WrongType.into()),
            };
            answer.insert(name.to_owned(), value);
            Ok(())
        })?;
        Ok(Value::Object(answer))
    }

    fn items(&self, decoder: &mut Decoder<'_>, learnt: &Learnt) -> Reads<Value> {
        let mut items = Vec::new();
        let length = decoder.array()?;
        counted(length, decoder, |decoder| {
            if self.projection.is_none() && decoder.array()? != Some(2) {
                return Err(Malformed::WrongType.into());
            }
            items.push(self.item(decoder, learnt)?);
            Ok(())
        })?;
        Ok(items.into())
    }

    /// The items of a table of a batch, keys and values in turn.
    fn flat(&self, decoder: &mut Decoder<'_>, learnt: &Learnt) -> Reads<Value> {
        let mut items = Vec::new();
        let length = decoder.array()?.ok_or(Malformed::WrongType)?;
        let length = if self.projection.is_none() { length / 2 } else { length };
        counted(Some(length), decoder, |decoder| {
            items.push(self.item(decoder, learnt)?);
            Ok(())
        })?;
        Ok(items.into())
    }

    fn item(&self, decoder: &mut Decoder<'_>, learnt: &Learnt) -> Reads<Value> {
        let item = match self.projection {
            Some(projection) => projected(projection, decoder)?,
            None => {
                let key = key::decode(self.schema, decoder.bytes()?)?;
                whole(decoder.bytes()?, self.schema, &key, learnt)?
            }
        };
        Ok(json_of(&item))
    }
}

fn batch(tables: &[(String, Option<Tree>)], decoder: &mut Decoder<'_>, learnt: &Learnt) -> Reads<Value> {
    if decoder.array()? != Some(2) {
        return Err(Malformed::WrongType.into());
    }
    let mut responses = Map::new();
    let length = decoder.map()?;
    counted(length, decoder, |decoder| {
        let table = decoder.str()?;
        let (_, projection) = tables.iter().find(|(known, _)| known == table).ok_or(Malformed::WrongType)?;
        let page = Page { schema: schema(learnt, table)?, projection: projection.as_ref() };
        responses.insert(table.to_owned(), page.flat(decoder, learnt)?);
        Ok(())
    })?;
    let mut unprocessed = Map::new();
    let length = decoder.map()?;
    // An older client of Java's fails if a table is missing here.
    if length != Some(tables.len() as u64) {
        return Err(Malformed::WrongType.into());
    }
    counted(length, decoder, |decoder| {
        let table = decoder.str()?;
        let mut keys = Vec::new();
        let length = decoder.array()?;
        counted(length, decoder, |decoder| {
            keys.push(json_of(&key::decode(schema(learnt, table)?, decoder.bytes()?)?));
            Ok(())
        })?;
        if !keys.is_empty() {
            unprocessed.insert(table.to_owned(), json!({ "Keys": keys }));
        }
        Ok(())
    })?;
    let mut answer = json!({ "Responses": responses, "UnprocessedKeys": unprocessed });
    put_capacities(&mut answer, decoder, capacity)?;
    Ok(answer)
}

fn batch_written(decoder: &mut Decoder<'_>, learnt: &Learnt) -> Reads<Value> {
    let mut unprocessed = Map::new();
    let length = decoder.map()?;
    counted(length, decoder, |decoder| {
        let table = decoder.str()?;
        let schema = schema(learnt, table)?;
        let mut writes = Vec::new();
        let length = decoder.array()?.ok_or(Malformed::WrongType)?;
        counted(Some(length / 2), decoder, |decoder| {
            let key = key::decode(schema, decoder.bytes()?)?;
            writes.push(match null(decoder)? {
                true => json!({ "DeleteRequest": { "Key": json_of(&key) } }),
                false => {
                    let item = whole(decoder.bytes()?, schema, &key, learnt)?;
                    json!({ "PutRequest": { "Item": json_of(&item) } })
                }
            });
            Ok(())
        })?;
        unprocessed.insert(table.to_owned(), writes.into());
        Ok(())
    })?;
    let mut answer = json!({ "UnprocessedItems": unprocessed });
    put_capacities(&mut answer, decoder, capacity)?;
    put_collections(&mut answer, decoder, learnt)?;
    Ok(answer)
}

fn transaction(reads: &[Single], decoder: &mut Decoder<'_>, learnt: &Learnt) -> Reads<Value> {
    if decoder.array()? != Some(2) || decoder.array()? != Some(reads.len() as u64) {
        return Err(Malformed::WrongType.into());
    }
    let mut responses = Vec::new();
    for Single { table, key, projection } in reads {
        responses.push(match (null(decoder)?, projection) {
            (true, _) => json!({}),
            (false, Some(projection)) => json!({ "Item": json_of(&projected(projection, decoder)?) }),
            (false, None) => {
                json!({ "Item": json_of(&whole(decoder.bytes()?, schema(learnt, table)?, key, learnt)?) })
            }
        });
    }
    let mut answer = json!({ "Responses": responses });
    put_capacities(&mut answer, decoder, extended_capacity)?;
    Ok(answer)
}

fn transaction_written(decoder: &mut Decoder<'_>, learnt: &Learnt) -> Reads<Value> {
    // Go's client reads only the header of the first array.
    if decoder.array()? != Some(3) || decoder.array()? != Some(0) {
        return Err(Malformed::WrongType.into());
    }
    let mut answer = json!({});
    put_capacities(&mut answer, decoder, extended_capacity)?;
    put_collections(&mut answer, decoder, learnt)?;
    Ok(answer)
}
