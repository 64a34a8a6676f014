//! The requests that the door answers by itself: numbers of attribute lists, and the names behind them.

use minicbor::Decoder;
use model::{ApiError, ErrorCode};

use crate::{
    attribute_lists::{SharedLists, Undefined},
    reply,
};
use dax_wire::{Malformed, item};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    Client,
    /// Another node, which asks the others by itself.
    Node,
}

/// `defineAttributeListId`: the message, or why there is none.
pub(crate) async fn define_id(
    lists: &SharedLists,
    arguments: &[u8],
    asker: Asker,
) -> Result<Vec<u8>, ApiError> {
    let names = item::decode_names(arguments).map_err(malformed)?;
    let id = match asker {
        Asker::Client => lists.id_of(&names).await,
        Asker::Node => lists.here().id_of(&names).await,
    };
    let id = id.map_err(undefined)?;
    let mut out = reply::begin(0);
    out.int(id);
    Ok(out.into_bytes())
}

/// `defineAttributeList`.
pub(crate) async fn define_list(
    lists: &SharedLists,
    arguments: &[u8],
    asker: Asker,
) -> Result<Vec<u8>, ApiError> {
    let id = Decoder::new(arguments).i64().map_err(|error| malformed(error.into()))?;
    let names = match asker {
        Asker::Client => lists.names_of(id).await,
        Asker::Node => lists.here().names_of(id),
    };
    let names = names.ok_or_else(|| unknown(id))?;
    let mut out = reply::begin(0);
    item::encode_names(&names, &mut out);
    Ok(out.into_bytes())
}

pub(crate) fn malformed(why: Malformed) -> ApiError {
    ApiError::validation(why.to_string())
}

pub(crate) fn unknown(id: i64) -> ApiError {
    ApiError::validation(format!("No list of attribute names has the number {id} here."))
}

/// What asking again does not mend must not be of the kind that clients repeat.
pub(crate) fn undefined(why: Undefined) -> ApiError {
    match why {
        Undefined::Full => ApiError::ours(
            ErrorCode::ValidationException,
            "This node has as many lists of attribute names as it may: items with other names are not taken over \
            DAX. They are over HTTP.",
        ),
        Undefined::TooLong => {
            ApiError::validation("The names of the attributes are longer than an item may be.")
        }
        Undefined::Unwritable | Undefined::Late => ApiError::ours(
            ErrorCode::ServiceUnavailable,
            "This node cannot write down the names of the attributes.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attribute_lists::{AttributeLists, ListsConfig},
        error::{Refusal, Stakes},
        metrics::Metrics,
    };

    fn lists(lists_max: usize) -> SharedLists {
        let config = ListsConfig { directory: None, lists_max, bytes_max: 1 << 20 };
        SharedLists::alone(
            AttributeLists::open(&config, base::Clock::start(), &Metrics::of_a_test()).unwrap(),
        )
    }

    /// `["a", "b"]`, as six clients send it and as Java's does.
    const ARRAY: &[u8] = &[0x82, 0x61, b'a', 0x61, b'b'];
    const SET: &[u8] = &[0xd9, 0x0c, 0xf9, 0x82, 0x61, b'a', 0x61, b'b'];

    #[tokio::test]
    async fn an_array_and_a_set_are_one_list_and_its_names_come_back_as_an_array() {
        let lists = lists(10);
        let answer = define_id(&lists, ARRAY, Asker::Client).await.unwrap();
        assert_eq!(define_id(&lists, SET, Asker::Client).await.unwrap(), answer);
        assert_eq!(answer[0], 0x80);
        assert_eq!(
            define_list(&lists, &answer[1..], Asker::Client).await.unwrap(),
            [&[0x80], ARRAY].concat()
        );
        assert_eq!(define_id(&lists, &[0x80], Asker::Client).await.unwrap(), [0x80, 0x01]);
        assert_eq!(define_list(&lists, &[0x01], Asker::Client).await.unwrap(), [0x80, 0x80]);
    }

    #[tokio::test]
    async fn what_cannot_be_is_refused_as_something_that_nobody_repeats() {
        let check = |error: ApiError, expected: &str| {
            let refusal = Refusal::of_error(&error, Stakes::Read);
            assert_eq!(refusal.encode("R")[..9], [0x85, 4, 0x18, 37, 0x18, 38, 0x18, 39, 0x18]);
            assert!(refusal.message().contains(expected), "{}", refusal.message());
        };
        check(define_id(&lists(0), ARRAY, Asker::Client).await.unwrap_err(), "as many lists");
        let long = [&[0x9a, 0, 16, 0, 0][..], &[0x60; 1 << 20]].concat();
        for wrong in [&[0x61, b'a'][..], &[0x81, 0x01], &[0xd9, 0x0c, 0xfa, 0x80], &[0xf6], &long] {
            check(define_id(&lists(10), wrong, Asker::Client).await.unwrap_err(), "");
        }
        check(define_list(&lists(10), &[0x02], Asker::Client).await.unwrap_err(), "has the number 2");
        check(define_list(&lists(10), &[0x20], Asker::Client).await.unwrap_err(), "has the number -1");
        check(define_list(&lists(10), &[0x61, b'a'], Asker::Client).await.unwrap_err(), "");
    }
}
