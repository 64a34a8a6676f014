//! A small DAX client, for tests and load: one connection, one call at a time, no discovery and no retries.
//!
//! [`Client::call`] takes a request of DynamoDB JSON and gives back what DynamoDB would have answered. On the way it
//! does what DAX's clients do: it asks the node for keys and attribute lists (`learnt.rs`), sends expressions as trees
//! (`request.rs`), and puts items together again (`result.rs`). What a client cannot say over DAX it does not say
//! either: a reason why a reply has no item, or how text was written.

mod learnt;
mod options;
mod part;
mod request;
mod result;

use std::{io, net::SocketAddr};

use dax_wire::{Layering, Malformed, Preamble, Writer, item};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::{
    caller::{self, Broken, Caller, Message},
    methods::Method,
};

use self::{learnt::Learnt, request::Prepared, result::Unread};

/// What the node said instead of a result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{codes:?} {name:?}: {message}")]
pub struct ErrorReply {
    /// The tuple by which clients tell errors.
    pub codes: Vec<i64>,
    /// In words.
    pub message: String,
    /// DynamoDB's name of the error.
    pub name: Option<String>,
    /// As over HTTP.
    pub status: Option<i64>,
    /// Of a cancelled transaction: one for each of its actions, as in DynamoDB JSON.
    pub reasons: Option<Vec<Value>>,
}

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The node answered an error.
    #[error(transparent)]
    Refused(ErrorReply),
    /// A client cannot send this, and nothing was sent.
    #[error("not sent: {0}")]
    Unsendable(String),
    /// The node's answer is none.
    #[error("the reply is malformed: {0}")]
    Malformed(#[from] Malformed),
    /// The connection is gone.
    #[error(transparent)]
    Lost(#[from] io::Error),
}

/// A request that can be sent again and again on its connection.
#[derive(Debug)]
pub struct Encoded {
    bytes: Vec<u8>,
    prepared: Prepared,
}

/// A connection to a node.
#[derive(Debug)]
pub struct Client {
    caller: Caller<TcpStream>,
    learnt: Learnt,
}

impl From<Broken> for CallError {
    fn from(broken: Broken) -> CallError {
        match broken {
            Broken::Malformed(why) => why.into(),
            Broken::Lost(why) => why.into(),
        }
    }
}

impl Client {
    /// Connects, and says that it does.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn connect(address: SocketAddr, layering: Layering) -> io::Result<Client> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let preamble = Preamble { layering, user_agent: Some("linac".to_owned()), is_node: false };
        Ok(Client { caller: Caller::begin(stream, &preamble).await?, learnt: Learnt::default() })
    }

    /// Calls one of the ten operations on data, by DynamoDB's name.
    ///
    /// # Errors
    /// When there is no result. Behind a refusal the connection can be used on.
    pub async fn call(&mut self, operation: &str, body: &Value) -> Result<Value, CallError> {
        let encoded = self.encode(operation, body).await?;
        self.send(&encoded).await
    }

    /// Makes a request of DynamoDB JSON. Asks the node for what it takes to do so.
    ///
    /// # Errors
    /// When no client could send it, or the node does not know its table.
    pub async fn encode(&mut self, operation: &str, body: &Value) -> Result<Encoded, CallError> {
        let request = request::parse(operation, body)?;
        for table in request::tables(&request) {
            if self.learnt.schema(table).is_none() {
                let schema =
                    self.metadata(Method::DefineKeySchema, |out| out.bytes(table.as_bytes())).await?;
                self.learnt.learn_schema(table, &schema)?;
            }
        }
        for (table, item) in request::items(&request) {
            let names = self.learnt.names_of_item(table, item)?;
            if !names.is_empty() && self.learnt.number(&names).is_none() {
                let define = Method::DefineAttributeListId;
                let number = self.metadata(define, |out| item::encode_names(&names, out)).await?;
                self.learnt.learn_number(names, &number)?;
            }
        }
        let prepared = request::prepare(&request, &self.learnt)?;
        Ok(Encoded { bytes: caller::request(prepared.method, &prepared.arguments), prepared })
    }

    /// Sends a request that was made on this connection.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn send(&mut self, encoded: &Encoded) -> Result<Value, CallError> {
        let Encoded { bytes, prepared } = encoded;
        let message = self.caller.exchange(bytes, prepared.method).await?;
        loop {
            let read = match message {
                Message::Result(ref result) => result::result(prepared, result, &self.learnt),
                Message::Error(ref error) => {
                    result::error(prepared, error, &self.learnt).and_then(|error| Err(Unread::Refused(error)))
                }
            };
            match read {
                Ok(answer) => return Ok(answer),
                Err(Unread::List(number)) => {
                    let names = self.metadata(Method::DefineAttributeList, |out| out.int(number)).await?;
                    self.learnt.learn_names(number, &names)?;
                }
                Err(Unread::Refused(error)) => return Err(CallError::Refused(error)),
                Err(Unread::Malformed(why)) => return Err(why.into()),
            }
        }
    }

    /// Sends a request and waits for its result, which is not read; how long that is.
    ///
    /// # Errors
    /// As [`Client::call`], but for the items within an error.
    pub async fn round_trip(&mut self, encoded: &Encoded) -> Result<usize, CallError> {
        match self.caller.exchange(&encoded.bytes, encoded.prepared.method).await? {
            Message::Result(result) => Ok(result.len()),
            Message::Error(error) => Err(CallError::Refused(result::plain_error(&error)?)),
        }
    }

    /// Sends what a test makes of a method's arguments; the values of the result.
    ///
    /// # Errors
    /// When there is none.
    pub async fn raw(&mut self, method: Method, arguments: &[u8]) -> Result<Vec<u8>, CallError> {
        match self.caller.exchange(&caller::request(method, arguments), method).await? {
            Message::Result(result) => Ok(result),
            Message::Error(error) => Err(CallError::Refused(result::plain_error(&error)?)),
        }
    }

    async fn metadata(
        &mut self,
        method: Method,
        write: impl FnOnce(&mut Writer),
    ) -> Result<Vec<u8>, CallError> {
        let mut out = Writer::new();
        write(&mut out);
        self.raw(method, &out.into_bytes()).await
    }
}
