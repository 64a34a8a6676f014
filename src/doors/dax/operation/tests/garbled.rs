//! What clients were seen to send, with something wrong in it: whatever it is, it is read within its bounds and
//! answered.

use auth::AccessKeys;
use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, TestRunner},
};

use super::*;
use crate::{
    authorize::Grant,
    error::Refusal,
    metadata::{self, Asker},
    request::Reading,
};

/// A second, without optimisation.
const CASES: u32 = 5_000;

/// A change of a request.
#[derive(Debug, Clone)]
enum Edit {
    Replace(Index, u8),
    Insert(Index, u8),
    /// So many bytes less, from there on.
    Remove(Index, u8),
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Edit::Replace(at, byte) if !bytes.is_empty() => *at.get_mut(bytes) = *byte,
            Edit::Insert(at, byte) => bytes.insert(at.index(bytes.len() + 1), *byte),
            Edit::Remove(at, count) if !bytes.is_empty() => {
                let from = at.index(bytes.len());
                bytes.drain(from..bytes.len().min(from + usize::from(*count)));
            }
            Edit::Replace(..) | Edit::Remove(..) => {}
        }
    }
}

fn edit() -> impl Strategy<Value = Edit> {
    // Heads of values with their lengths, breaks and nulls more often than chance alone would have them.
    let telling = prop::sample::select(vec![
        0, 1, 2, 0x40, 0x60, 0x80, 0x81, 0x9b, 0x9f, 0xa1, 0xbf, 0xc4, 0xd9, 0xf6, 0xff,
    ]);
    let byte = prop_oneof![any::<u8>(), telling];
    prop_oneof![
        (any::<Index>(), byte.clone()).prop_map(|(at, byte)| Edit::Replace(at, byte)),
        (any::<Index>(), byte).prop_map(|(at, byte)| Edit::Insert(at, byte)),
        (any::<Index>(), 1u8..16).prop_map(|(at, count)| Edit::Remove(at, count)),
    ]
}

/// The door without its sockets.
struct Door {
    vectors: Arc<Vectors>,
    operations: Operations,
    keys: AccessKeys,
    clock: Clock,
}

impl Door {
    fn new() -> Door {
        let vectors = Arc::new(vectors());
        let tables = Arc::clone(&vectors);
        let origin = Scripted::new(move |call: Call| {
            let body: Value = serde_json::from_slice(&call.wire().body).unwrap();
            let described = body["TableName"].as_str().and_then(|table| tables.description(table));
            let reply = match (call.target().word(), described) {
                ("DescribeTable", Some(description)) => origin_reply(200, description.to_string()),
                ("DescribeTable", None) => {
                    origin_reply(400, json!({ "__type": "ResourceNotFoundException" }).to_string())
                }
                _ => origin_reply(200, "{}"),
            };
            std::future::ready(Ok(reply)).boxed()
        });
        Door {
            operations: vectors.operations("python", origin),
            keys: AccessKeys::new(
                [("AKIDEXAMPLE".to_owned(), "SECRET".to_owned())].into(),
                "us-east-1".to_owned(),
            ),
            clock: Clock::start(),
            vectors,
        }
    }

    /// The reply to what these bytes begin with, if it is a request, and has one.
    async fn reply(&self, bytes: &[u8]) -> Option<Bytes> {
        let request = Reading::new().request(bytes).ok()??;
        let arguments = &bytes[request.arguments];
        let lists = &self.operations.lists;
        let own = match request.method {
            Method::Endpoints => return None,
            Method::AuthorizeConnection => {
                let _granted = Grant::of(arguments, &self.keys, &self.clock);
                return None;
            }
            Method::DefineAttributeListId => metadata::define_id(lists, arguments, Asker::Client).await,
            Method::DefineAttributeList => metadata::define_list(lists, arguments, Asker::Client).await,
            method => return Some(self.operations.answer(asked(method, arguments)).await.message),
        };
        let refused = |error| Refusal::of_error(&error, Stakes::Read).encode("R");
        Some(own.unwrap_or_else(refused).into())
    }
}

#[test]
fn garbled_requests_are_answered() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let door = Door::new();
    let requests: Vec<_> = door.vectors.vectors.iter().map(|vector| unhex(&vector.request_hex)).collect();
    let case = (any::<Index>(), prop::collection::vec(edit(), 0..4));
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let is_answered = |(which, edits): (Index, Vec<Edit>)| {
        let mut bytes = which.get(&requests).clone();
        edits.iter().for_each(|edit| edit.apply(&mut bytes));
        let Some(reply) = runtime.block_on(door.reply(&bytes)) else { return Ok(()) };
        let mut values = minicbor::Decoder::new(&reply);
        while values.position() < reply.len() {
            prop_assert!(values.skip().is_ok(), "{reply:?}");
        }
        Ok(())
    };
    runner.run(&case, is_answered).unwrap();
}
