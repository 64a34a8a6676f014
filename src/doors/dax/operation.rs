//! The operations on data: from the arguments of a method to a request, and from its answer to a result.
//!
//! Requests go down the stack as they would from the JSON door, but for their bytes: `arguments.rs` reads what all
//! operations have in common, and a file for each kind makes the request and writes the result. Clients neither send
//! nor understand names of attributes with items, nor keys in answers: `tables.rs` knows the keys, and [`SharedLists`]
//! the names.

mod answers;
mod arguments;
mod batch;
mod item;
mod page;
mod projection;
mod refused;
mod tables;
#[cfg(test)]
mod tests;
mod transaction;

use std::sync::Arc;

use backend::{Answer, Backend, Call, Document, Failure, Outcome};
use base::{Clock, Drain};
use bytes::Bytes;
use model::{ApiError, ErrorCode, Item, KeySchema, call::Request};

use crate::{
    attribute_lists::SharedLists,
    error::Stakes,
    metadata,
    methods::Method,
    reply::{self, Answers, Asked, Reply},
};
use dax_wire::{Writer, item::Values};

use self::{
    arguments::Arguments,
    projection::Projections,
    refused::{Refused, Unanswerable},
    tables::Tables,
};

/// The operations, in front of a stack.
pub struct Operations {
    backend: Arc<dyn Backend>,
    tables: Arc<Tables>,
    lists: Arc<SharedLists>,
    projections: Projections,
    clock: Clock,
}

/// What came of a request.
struct Answered {
    /// The whole message.
    message: Bytes,
    /// What the cache did, if it was asked.
    outcome: Option<Outcome>,
}

impl Answered {
    fn new(message: Writer, outcome: Outcome) -> Answered {
        Answered { message: message.into_bytes().into(), outcome: Some(outcome) }
    }
}

/// A success of the stack.
struct Success {
    answer: Answer,
    outcome: Outcome,
}

impl Success {
    /// The JSON.
    fn body(&self) -> &Bytes {
        self.answer.body()
    }

    /// The document, if it is one that is kept as it is, and with it what this door makes of it.
    fn kept(&self) -> Option<&Document> {
        match &self.answer {
            Answer::Document(document) if document.has_form() => Some(document),
            Answer::Document(_) | Answer::Origin(_) | Answer::Batch(_) => None,
        }
    }

    /// Of a batch out of kept documents alone: these, in the order of its keys.
    fn parts(&self) -> Option<impl Iterator<Item = &Document>> {
        match &self.answer {
            Answer::Batch(batch) => Some(batch.tables().iter().flat_map(|(_, documents)| documents)),
            Answer::Document(_) | Answer::Origin(_) => None,
        }
    }
}

impl Answers for Operations {
    async fn answer(&self, asked: Asked<'_>) -> Reply {
        match self.carry_out(&asked).await {
            Ok(Answered { message, outcome: Some(outcome) }) => Reply::answer(message, outcome),
            Ok(Answered { message, outcome: None }) => Reply::own(message),
            Err(refused) => {
                let (refusal, outcome) = refused.refusal(stakes(asked.method));
                Reply::refusal(&refusal, asked.request_id, outcome)
            }
        }
    }
}

fn stakes(method: Method) -> Stakes {
    match method.target().is_some_and(|target| !target.only_reads()) {
        true => Stakes::Write,
        false => Stakes::Read,
    }
}

impl Operations {
    /// Operations in front of a stack.
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        lists: Arc<SharedLists>,
        clock: Clock,
        drain: Drain,
    ) -> Operations {
        let tables = Arc::new(Tables::new(Arc::clone(&backend), clock.clone(), drain));
        Operations { backend, tables, lists, projections: Projections::new(), clock }
    }

    async fn carry_out(&self, asked: &Asked<'_>) -> Result<Answered, Refused> {
        let arguments = Arguments::new(asked.arguments);
        match asked.method {
            Method::DefineKeySchema => self.define_key_schema(arguments, asked).await,
            Method::GetItem => self.get_item(arguments, asked).await,
            Method::PutItem => self.put_item(arguments, asked).await,
            Method::UpdateItem => self.update_item(arguments, asked).await,
            Method::DeleteItem => self.delete_item(arguments, asked).await,
            Method::Query => self.query(arguments, asked).await,
            Method::Scan => self.scan(arguments, asked).await,
            Method::BatchGetItem => self.batch_get_item(arguments, asked).await,
            Method::BatchWriteItem => self.batch_write_item(arguments, asked).await,
            Method::TransactGetItems => self.transact_get_items(arguments, asked).await,
            Method::TransactWriteItems => self.transact_write_items(arguments, asked).await,
            // The door answers these by itself, and asks nobody.
            Method::AuthorizeConnection
            | Method::Endpoints
            | Method::DefineAttributeListId
            | Method::DefineAttributeList => {
                let error = format!("{} is no operation on data.", asked.method);
                Err(ApiError::client(ErrorCode::UnknownOperationException, error).into())
            }
        }
    }

    /// `defineKeySchema`.
    async fn define_key_schema(
        &self,
        mut arguments: Arguments<'_>,
        asked: &Asked<'_>,
    ) -> Result<Answered, Refused> {
        let table = self.tables.learn(arguments.text_in_bytes()?, asked.deadline).await?;
        arguments.end()?;
        let mut out = reply::begin(0);
        // Clients rely on the order.
        out.map(table.key_schema.attributes().count());
        for attribute in table.key_schema.attributes() {
            out.text(&attribute.name);
            out.text(attribute.key_type.as_str());
        }
        Ok(Answered { message: out.into_bytes().into(), outcome: None })
    }

    /// Has the stack answer a request on these tables.
    async fn ask(&self, request: Request, tables: &[&str], asked: &Asked<'_>) -> Result<Success, Refused> {
        let target = asked.method.target().expect("a request is of an operation").clone();
        let call = Call::of_request(target, request, asked.request_id.to_owned(), asked.deadline);
        let reply = match self.backend.ready(&call) {
            Some(reply) => reply,
            None => {
                let answer = self.clock.timeout_at(asked.deadline, self.backend.call(call)).await;
                answer.unwrap_or_else(|| Err(Failure::deadline())).map_err(Refused::Failure)?
            }
        };
        if reply.is_success() {
            return Ok(Success { answer: reply.answer, outcome: reply.outcome });
        }
        let refused = Refused::of_origin(&reply);
        self.tables.hear(&refused, tables);
        Err(refused)
    }

    /// An item without its key, as it travels: the number of its names, and its values.
    async fn blob(&self, item: &Item, schema: &KeySchema) -> Result<Vec<u8>, Unanswerable> {
        let values = Values::of(item, schema);
        let list = self.list_of(&values.names).await?;
        Ok(values.numbered(list))
    }

    async fn list_of(&self, names: &[&str]) -> Result<i64, Unanswerable> {
        Ok(self.lists.id_of(names).await.map_err(metadata::undefined)?)
    }
}
