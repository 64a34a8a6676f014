//! What calls consumed, and how large item collections are.

use dax_wire::{Budget, Malformed, expect_end, value};
use minicbor::Decoder;
use model::{AttributeValue, Item, KeySchema};
use serde_json::{Map, Value, json};

use super::{Learnt, Reads, counted, entries, json_of, null, schema};

pub(super) fn put_capacities(
    answer: &mut Value,
    decoder: &mut Decoder<'_>,
    read: impl Fn(&mut Decoder<'_>) -> Reads<Value>,
) -> Reads<()> {
    let mut capacities = Vec::new();
    let length = decoder.array()?;
    counted(length, decoder, |decoder| {
        capacities.push(read(decoder)?);
        Ok(())
    })?;
    if !capacities.is_empty() {
        answer["ConsumedCapacity"] = capacities.into();
    }
    Ok(())
}

pub(super) fn put_collections(answer: &mut Value, decoder: &mut Decoder<'_>, learnt: &Learnt) -> Reads<()> {
    let mut tables = Map::new();
    let length = decoder.map()?;
    counted(length, decoder, |decoder| {
        let table = decoder.str()?;
        let schema = schema(learnt, table)?;
        let mut of_table = Vec::new();
        let length = decoder.array()?;
        counted(length, decoder, |decoder| {
            of_table.push(metrics(schema, decoder)?);
            Ok(())
        })?;
        tables.insert(table.to_owned(), of_table.into());
        Ok(())
    })?;
    if !tables.is_empty() {
        answer["ItemCollectionMetrics"] = tables.into();
    }
    Ok(())
}

/// Five values in a string.
pub(super) fn capacity(decoder: &mut Decoder<'_>) -> Reads<Value> {
    let mut within = Decoder::new(decoder.bytes()?);
    let mut capacity = json!({ "TableName": within.str()?, "CapacityUnits": within.f64()? });
    if !null(&mut within)? {
        capacity["Table"] = json!({ "CapacityUnits": within.f64()? });
    }
    for name in ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
        if null(&mut within)? {
            continue;
        }
        let mut indexes = Map::new();
        let length = within.map()?;
        counted(length, &mut within, |within| {
            let name = within.str()?.to_owned();
            indexes.insert(name, json!({ "CapacityUnits": within.f64()? }));
            Ok(())
        })?;
        capacity[name] = indexes.into();
    }
    expect_end(&within)?;
    Ok(capacity)
}

const UNITS: [&str; 3] = ["CapacityUnits", "ReadCapacityUnits", "WriteCapacityUnits"];

/// As transactions have it.
pub(super) fn extended_capacity(decoder: &mut Decoder<'_>) -> Reads<Value> {
    let mut capacity = Map::new();
    entries(decoder, |number, decoder| {
        let (name, value) = match number {
            1..=3 => (UNITS[number as usize - 1], decoder.f64()?.into()),
            4 => ("TableName", decoder.str()?.into()),
            5 => ("Table", units(decoder)?),
            6 | 7 => {
                let mut indexes = Map::new();
                let length = decoder.map()?;
                counted(length, decoder, |decoder| {
                    let name = decoder.str()?.to_owned();
                    indexes.insert(name, units(decoder)?);
                    Ok(())
                })?;
                let name = if number == 6 { "GlobalSecondaryIndexes" } else { "LocalSecondaryIndexes" };
                (name, indexes.into())
            }
            _ => return Err(Malformed::WrongType.into()),
        };
        capacity.insert(name.to_owned(), value);
        Ok(())
    })?;
    Ok(Value::Object(capacity))
}

fn units(decoder: &mut Decoder<'_>) -> Reads<Value> {
    let mut units = Map::new();
    let length = decoder.map()?;
    counted(length, decoder, |decoder| {
        let number = usize::try_from(decoder.i64()? - 1).unwrap_or(usize::MAX);
        let name = UNITS.get(number).ok_or(Malformed::WrongType)?;
        units.insert((*name).to_owned(), decoder.f64()?.into());
        Ok(())
    })?;
    Ok(Value::Object(units))
}

/// Three values in a string.
pub(super) fn metrics(schema: &KeySchema, decoder: &mut Decoder<'_>) -> Reads<Value> {
    let mut within = Decoder::new(decoder.bytes()?);
    let key: AttributeValue = value::decode(&mut within, &mut Budget::of_request())?;
    let sizes = [within.f64()?, within.f64()?];
    expect_end(&within)?;
    let partition: Item = [(schema.partition[0].name.clone(), key)].into_iter().collect();
    Ok(json!({ "ItemCollectionKey": json_of(&partition), "SizeEstimateRangeGB": sizes }))
}
