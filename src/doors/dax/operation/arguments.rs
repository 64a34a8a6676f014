//! What the arguments of several methods have in common.

use std::collections::HashSet;

use expr::{Printed, Trees};
use minicbor::{Decoder, data::Type};
use model::{
    ApiError, AttributeValue, Item, KeySchema, UniqueMap,
    call::{
        ReturnConsumedCapacity, ReturnItemCollectionMetrics, ReturnValues,
        ReturnValuesOnConditionCheckFailure, Select,
    },
    limits::TRANSACT_ACTIONS_MAX,
};

use crate::{attribute_lists::SharedLists, metadata};
use dax_wire::{Budget, Malformed, expect_end, expression, for_each, item, key};

use super::refused::Refused;

/// Tables, keys, writes and actions that are read. It is for the stack to say that there are too many, in DynamoDB's
/// words: whoever is near what DynamoDB takes hears those.
const ENTRIES_MAX: usize = 2 * TRANSACT_ACTIONS_MAX;

/// The arguments of a request, to be taken one after the other.
pub(super) struct Arguments<'a> {
    decoder: Decoder<'a>,
}

/// What may be said of most operations, by number.
#[derive(Debug, Default)]
pub(super) struct Options<'a> {
    pub(super) projection: Option<&'a [u8]>,
    pub(super) is_strong: Option<bool>,
    pub(super) capacity: Option<ReturnConsumedCapacity>,
    pub(super) condition: Option<&'a [u8]>,
    pub(super) metrics: Option<ReturnItemCollectionMetrics>,
    pub(super) values: Option<ReturnValues>,
    pub(super) update: Option<&'a [u8]>,
    pub(super) start: Option<&'a [u8]>,
    pub(super) filter: Option<&'a [u8]>,
    pub(super) index: Option<String>,
    pub(super) limit: Option<u32>,
    pub(super) is_forward: Option<bool>,
    pub(super) select: Option<Select>,
    pub(super) segment: Option<u32>,
    pub(super) total_segments: Option<u32>,
    pub(super) token: Option<String>,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Arguments<'a> {
        Arguments { decoder: Decoder::new(bytes) }
    }

    /// Text that clients send as bytes: names of tables and indexes.
    pub(super) fn text_in_bytes(&mut self) -> Result<&'a str, Malformed> {
        text_in_bytes(&mut self.decoder)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        Ok(self.decoder.bytes()?)
    }

    /// A map by names of tables, in its order.
    pub(super) fn by_table<T>(
        &mut self,
        read: impl Fn(&mut Decoder<'a>) -> Result<T, Malformed>,
    ) -> Result<Vec<(&'a str, T)>, Malformed> {
        let length = self.decoder.map()?;
        let (mut tables, mut seen) = (Vec::new(), HashSet::new());
        for_each(&mut self.decoder, length, |decoder| {
            let table = decoder.str()?;
            if !seen.insert(table) {
                return Err(Malformed::DuplicateAttribute);
            }
            push(&mut tables, (table, read(decoder)?))
        })?;
        Ok(tables)
    }

    /// An array; an absent one is empty.
    pub(super) fn array<T>(
        &mut self,
        mut read: impl FnMut(&mut Decoder<'a>) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let mut all = Vec::new();
        if self.decoder.datatype()? == Type::Null {
            self.decoder.null()?;
            return Ok(all);
        }
        let length = self.decoder.array()?;
        for_each(&mut self.decoder, length, |decoder| push(&mut all, read(decoder)?))?;
        Ok(all)
    }

    /// The options; where one is there twice, the last one counts.
    pub(super) fn options(&mut self) -> Result<Options<'a>, Malformed> {
        let mut options = Options::default();
        if self.decoder.datatype()? == Type::Null {
            self.decoder.null()?;
            return Ok(options);
        }
        let length = self.decoder.map()?;
        for_each(&mut self.decoder, length, |decoder| options.read(decoder))?;
        Ok(options)
    }

    /// # Errors
    /// If there is more.
    pub(super) fn end(&self) -> Result<(), Malformed> {
        expect_end(&self.decoder)
    }
}

/// # Errors
/// If there are more already than any request may have.
pub(super) fn push<T>(all: &mut Vec<T>, one: T) -> Result<(), Malformed> {
    if all.len() == ENTRIES_MAX {
        return Err(Malformed::TooMany { max: ENTRIES_MAX });
    }
    all.push(one);
    Ok(())
}

pub(super) fn text_in_bytes<'a>(decoder: &mut Decoder<'a>) -> Result<&'a str, Malformed> {
    std::str::from_utf8(decoder.bytes()?).map_err(|_| Malformed::NotText)
}

pub(super) fn bytes_or_null<'a>(decoder: &mut Decoder<'a>) -> Result<Option<&'a [u8]>, Malformed> {
    match decoder.datatype()? {
        Type::Null => {
            decoder.null()?;
            Ok(None)
        }
        _ => Ok(Some(decoder.bytes()?)),
    }
}

/// Clients write it as a boolean or as a number.
fn yes_or_no(decoder: &mut Decoder<'_>) -> Result<bool, Malformed> {
    match decoder.datatype()? {
        Type::Bool => Ok(decoder.bool()?),
        _ => Ok(decoder.i64()? != 0),
    }
}

/// One of a list of words, which begins at number `first`.
fn word<T: Copy>(decoder: &mut Decoder<'_>, first: i64, words: &[T]) -> Result<T, Malformed> {
    let place = decoder.i64()?.checked_sub(first).and_then(|place| usize::try_from(place).ok());
    place.and_then(|place| words.get(place)).copied().ok_or(Malformed::WrongType)
}

impl<'a> Options<'a> {
    fn read(&mut self, decoder: &mut Decoder<'a>) -> Result<(), Malformed> {
        use ReturnConsumedCapacity as Capacity;
        let number =
            |decoder: &mut Decoder<'a>| u32::try_from(decoder.i64()?).map_err(|_| Malformed::WrongType);
        match decoder.i64()? {
            0 => self.projection = Some(decoder.bytes()?),
            // DAX: names and values that some clients send although the expressions have them.
            1 | 5 => decoder.skip()?,
            2 => self.is_strong = Some(yes_or_no(decoder)?),
            3 => {
                self.capacity = Some(word(decoder, 0, &[Capacity::None, Capacity::Total, Capacity::Indexes])?)
            }
            4 => self.condition = Some(decoder.bytes()?),
            6 => {
                let words = [ReturnItemCollectionMetrics::None, ReturnItemCollectionMetrics::Size];
                self.metrics = Some(word(decoder, 0, &words)?);
            }
            7 => {
                use ReturnValues::{AllNew, AllOld, None, UpdatedNew, UpdatedOld};
                self.values = Some(word(decoder, 1, &[None, AllOld, UpdatedOld, AllNew, UpdatedNew])?);
            }
            8 => self.update = Some(decoder.bytes()?),
            9 => self.start = Some(decoder.bytes()?),
            10 => self.filter = Some(decoder.bytes()?),
            11 => self.index = Some(text_in_bytes(decoder)?.to_owned()),
            13 => self.limit = Some(number(decoder)?),
            14 => self.is_forward = Some(yes_or_no(decoder)?),
            15 => {
                use Select::{AllAttributes, AllProjectedAttributes, Count, SpecificAttributes};
                let words = [AllAttributes, AllProjectedAttributes, Count, SpecificAttributes];
                self.select = Some(word(decoder, 1, &words)?);
            }
            16 => self.segment = Some(number(decoder)?),
            17 => self.total_segments = Some(number(decoder)?),
            19 => self.token = Some(decoder.str()?.to_owned()),
            _ => return Err(Malformed::WrongType),
        }
        Ok(())
    }
}

/// What a failed condition of a transaction shows.
pub(super) fn on_failure(
    decoder: &mut Decoder<'_>,
) -> Result<Option<ReturnValuesOnConditionCheckFailure>, Malformed> {
    if decoder.datatype()? == Type::Null {
        decoder.null()?;
        return Ok(None);
    }
    let words = [ReturnValuesOnConditionCheckFailure::None, ReturnValuesOnConditionCheckFailure::AllOld];
    Ok(Some(word(decoder, 1, &words)?))
}

/// Expressions as a request has them: texts, and what stands for names and values in them.
pub(super) struct Texts {
    pub(super) printed: Printed,
    pub(super) names: Option<UniqueMap<String>>,
    pub(super) values: Option<UniqueMap<AttributeValue>>,
}

impl Texts {
    pub(super) fn of(trees: &Trees) -> Texts {
        let mut printed = trees.print();
        let (names, values) = (std::mem::take(&mut printed.names), std::mem::take(&mut printed.values));
        Texts {
            printed,
            names: (!names.is_empty()).then(|| names.into_iter().collect()),
            values: (!values.is_empty()).then(|| values.into_iter().collect()),
        }
    }
}

/// A condition and an update, as writes have them.
pub(super) fn write_texts(
    condition: Option<&[u8]>,
    update: Option<&[u8]>,
    budget: &mut Budget,
) -> Result<Texts, Malformed> {
    let trees = Trees {
        condition: condition.map(|bytes| expression::decode_condition(bytes, budget)).transpose()?,
        update: update.map(|bytes| expression::decode_update(bytes, budget)).transpose()?,
        ..Trees::default()
    };
    Ok(Texts::of(&trees))
}

/// A primary key.
///
/// # Errors
/// If it is none of this table. DynamoDB: in the words for keys that do not fit their table. The client may know
/// the table as it was before it was made again. For a number that DynamoDB has not there are other words.
pub(super) fn primary_key(schema: &KeySchema, bytes: &[u8]) -> Result<Item, Refused> {
    key::decode(schema, bytes).map_err(|why| match why {
        Malformed::Number(_) => why.into(),
        _ => ApiError::validation("The provided key element does not match the schema").into(),
    })
}

/// A whole item: its key, and its other attributes as they travel.
///
/// # Errors
/// If no node knows the list of names, the values are not as many, or they are larger than an item may be.
pub(super) async fn whole_item(
    lists: &SharedLists,
    schema: &KeySchema,
    key: &[u8],
    blob: &[u8],
    budget: &mut Budget,
) -> Result<Item, Refused> {
    let (list, values) = item::split_list(blob)?;
    let names = lists.names_of(list).await;
    let names = names.ok_or_else(|| metadata::unknown(list))?;
    let mut whole = item::decode(values, &names, budget)?;
    for (name, value) in primary_key(schema, key)? {
        whole.insert(name, value);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use model::{KeyAttribute, KeyType};

    use super::*;
    use crate::error::Stakes;

    #[test]
    fn a_key_that_is_none_is_refused_in_the_words_of_dynamodb() {
        let sku = KeyAttribute { name: "sku".to_owned(), key_type: KeyType::N };
        let schema = KeySchema { partition: vec![sku], sort: Vec::new() };
        let check = |bytes: &[u8], expected| {
            let refused = primary_key(&schema, bytes).unwrap_err();
            assert_eq!(refused.refusal(Stakes::Read).0.message(), expected, "{bytes:?}");
        };
        check(b"a1", "The provided key element does not match the schema");
        // 1e126, as a decimal fraction.
        let overflow =
            "Number overflow. Attempting to store a number with magnitude larger than supported range";
        check(&[0xc4, 0x82, 0x18, 126, 1], overflow);
    }
}
