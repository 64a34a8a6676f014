//! The requests that the door answers by itself: numbers of attribute lists, and the names behind them.

use minicbor::{Decoder, data::Type};
use model::{ApiError, ErrorCode, limits::ITEM_BYTES_MAX};
use prometheus::IntCounter;

use crate::{
    attribute_lists::{AttributeLists, Undefined},
    error::{Refusal, Stakes},
    reply,
};
use dax_wire::{Malformed, for_each, value::STRING_SET};

/// Each name of an item has a byte at least.
const NAMES_MAX: usize = ITEM_BYTES_MAX;

/// `defineAttributeListId`: the message, or why there is none.
pub(crate) async fn define_id(
    lists: &AttributeLists,
    arguments: &[u8],
    refused: &IntCounter,
) -> Result<Vec<u8>, Refusal> {
    let names = names(arguments).map_err(malformed)?;
    let id = lists.id_of(&names).await.inspect_err(|_| refused.inc()).map_err(undefined)?;
    let mut out = reply::begin(0);
    out.int(i64::try_from(id).expect("numbers of lists have 53 bits"));
    Ok(out.into_bytes())
}

/// `defineAttributeList`.
pub(crate) fn define_list(lists: &AttributeLists, arguments: &[u8]) -> Result<Vec<u8>, Refusal> {
    let id = Decoder::new(arguments).i64().map_err(|error| malformed(error.into()))?;
    let names = u64::try_from(id).ok().and_then(|id| lists.names_of(id)).ok_or_else(|| unknown(id))?;
    let mut out = reply::begin(0);
    out.array(names.len());
    names.iter().for_each(|name| out.text(name));
    Ok(out.into_bytes())
}

fn names(arguments: &[u8]) -> Result<Vec<&str>, Malformed> {
    let mut values = Decoder::new(arguments);
    // DAX: the Java client sends the names as a string set.
    if values.datatype()? == Type::Tag && values.tag()?.as_u64() != STRING_SET {
        return Err(Malformed::WrongType);
    }
    let mut names = Vec::new();
    let length = values.array()?;
    for_each(&mut values, length, |values| {
        if names.len() == NAMES_MAX {
            return Err(Malformed::TooMany { max: NAMES_MAX });
        }
        names.push(values.str()?);
        Ok(())
    })?;
    Ok(names)
}

fn malformed(why: Malformed) -> Refusal {
    Refusal::of_error(&ApiError::validation(why.to_string()), Stakes::Read)
}

pub(crate) fn unknown(id: i64) -> Refusal {
    let error = ApiError::validation(format!("No list of attribute names has the number {id} here."));
    Refusal::of_error(&error, Stakes::Read)
}

/// What asking again does not mend must not be of the kind that clients repeat.
pub(crate) fn undefined(why: Undefined) -> Refusal {
    let error = match why {
        Undefined::Full => ApiError::ours(
            ErrorCode::ValidationException,
            "This node has as many lists of attribute names as it may: items with other names are not taken over \
            DAX. They are over HTTP.",
        ),
        Undefined::TooLong => {
            ApiError::validation("The names of the attributes are longer than an item may be.")
        }
        Undefined::Unwritable => ApiError::ours(
            ErrorCode::ServiceUnavailable,
            "This node cannot write down the names of the attributes.",
        ),
    };
    Refusal::of_error(&error, Stakes::Read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute_lists::ListsConfig;

    fn lists(lists_max: usize) -> AttributeLists {
        AttributeLists::open(&ListsConfig { directory: None, lists_max, bytes_max: 1 << 20 }).unwrap()
    }

    fn refused() -> IntCounter {
        IntCounter::new("refused", "refused").unwrap()
    }

    /// `["a", "b"]`, as six clients send it and as Java's does.
    const ARRAY: &[u8] = &[0x82, 0x61, b'a', 0x61, b'b'];
    const SET: &[u8] = &[0xd9, 0x0c, 0xf9, 0x82, 0x61, b'a', 0x61, b'b'];

    #[tokio::test]
    async fn an_array_and_a_set_are_one_list_and_its_names_come_back_as_an_array() {
        let lists = lists(10);
        let answer = define_id(&lists, ARRAY, &refused()).await.unwrap();
        assert_eq!(define_id(&lists, SET, &refused()).await.unwrap(), answer);
        assert_eq!(answer[0], 0x80);
        assert_eq!(define_list(&lists, &answer[1..]).unwrap(), [&[0x80], ARRAY].concat());
        assert_eq!(define_id(&lists, &[0x80], &refused()).await.unwrap(), [0x80, 0x01]);
        assert_eq!(define_list(&lists, &[0x01]).unwrap(), [0x80, 0x80]);
    }

    #[tokio::test]
    async fn what_cannot_be_is_refused_as_something_that_nobody_repeats() {
        let check = |refusal: Refusal, expected: &str| {
            assert_eq!(refusal.encode("R")[..9], [0x85, 4, 0x18, 37, 0x18, 38, 0x18, 39, 0x18]);
            assert!(refusal.message().contains(expected), "{}", refusal.message());
        };
        let refused = refused();
        check(define_id(&lists(0), ARRAY, &refused).await.unwrap_err(), "as many lists");
        assert_eq!(refused.get(), 1);
        let endless = [&[0x9a, 0, 0x20, 0, 0][..], &[0x60; 0x20_0000]].concat();
        check(define_id(&lists(10), &endless, &refused).await.unwrap_err(), "more than 409600 elements");
        for wrong in [&[0x61, b'a'][..], &[0x81, 0x01], &[0xd9, 0x0c, 0xfa, 0x80], &[0xf6]] {
            check(define_id(&lists(10), wrong, &refused).await.unwrap_err(), "");
        }
        check(define_list(&lists(10), &[0x02]).unwrap_err(), "has the number 2");
        check(define_list(&lists(10), &[0x20]).unwrap_err(), "has the number -1");
        check(define_list(&lists(10), &[0x61, b'a']).unwrap_err(), "");
    }
}
