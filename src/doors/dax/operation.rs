//! The operations on data: from the arguments of a method to a request, and from its answer to a result.
//!
//! Requests go down the stack as they would from the JSON door, but for their bytes: `arguments.rs` reads what all
//! operations have in common, and a file for each kind makes the request and writes the result. Clients neither send nor
//! understand names of attributes with items, nor keys in answers: `tables.rs` knows the keys, and
//! [`AttributeLists`] the names.

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
use model::{Item, KeySchema, Target, call::Request};

use crate::{
    attribute_lists::AttributeLists,
    error::Stakes,
    metadata,
    methods::Method,
    reply::{self, Answers, Asked, Reply},
};
use dax_wire::{Writer, item::Values};

use self::{arguments::Arguments, projection::Projections, refused::Refused, tables::Tables};

/// What the operations need from outside.
#[derive(Debug, Clone)]
pub struct OperationParts {
    /// Time.
    pub clock: Clock,
    /// Where tasks are registered.
    pub drain: Drain,
}

/// The operations, in front of a stack.
pub struct Operations {
    backend: Arc<dyn Backend>,
    tables: Arc<Tables>,
    lists: Arc<AttributeLists>,
    projections: Projections,
    clock: Clock,
}

/// What came of a request.
struct Answered {
    /// The whole message.
    message: Bytes,
    outcome: Outcome,
}

impl Answered {
    fn new(message: Writer, outcome: Outcome) -> Answered {
        Answered { message: message.into_bytes().into(), outcome }
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
        match &self.answer {
            Answer::Document(document) => &document.body,
            Answer::Origin(origin) => &origin.body,
        }
    }

    /// The document, if it is one that is kept as it is, and with it what this door makes of it.
    fn kept(&self) -> Option<&Document> {
        match &self.answer {
            Answer::Document(document) if document.has_form() => Some(document),
            Answer::Document(_) | Answer::Origin(_) => None,
        }
    }

    /// Of a batch out of kept documents alone: these, in the order of its keys.
    fn parts(&self) -> Option<&[Document]> {
        match &self.answer {
            Answer::Document(document) => document.parts(),
            Answer::Origin(_) => None,
        }
    }
}

impl Answers for Operations {
    async fn answer(&self, asked: Asked<'_>) -> Reply {
        match self.carry_out(&asked).await {
            Ok(Some(Answered { message, outcome })) => Reply::answer(message, outcome),
            Ok(None) => unreachable!("the door answers {} by itself", asked.method),
            Err(refused) => {
                let (refusal, outcome) = refused.refusal(stakes(asked.method));
                Reply::refusal(&refusal, asked.request_id, outcome)
            }
        }
    }
}

fn stakes(method: Method) -> Stakes {
    match method.operation().map(Target::of).is_some_and(|target| !target.only_reads()) {
        true => Stakes::Write,
        false => Stakes::Read,
    }
}

impl Operations {
    /// Operations in front of a stack.
    pub fn new(backend: Arc<dyn Backend>, lists: Arc<AttributeLists>, parts: OperationParts) -> Operations {
        let OperationParts { clock, drain } = parts;
        let tables = Arc::new(Tables::new(Arc::clone(&backend), clock.clone(), drain));
        Operations { backend, tables, lists, projections: Projections::default(), clock }
    }

    /// `None` for what the door answers by itself.
    async fn carry_out(&self, asked: &Asked<'_>) -> Result<Option<Answered>, Refused> {
        let arguments = Arguments::new(asked.arguments);
        let answered = match asked.method {
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
            Method::AuthorizeConnection
            | Method::Endpoints
            | Method::DefineAttributeListId
            | Method::DefineAttributeList => return Ok(None),
        };
        answered.map(Some)
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
        out.map(table.attributes().count());
        for attribute in table.attributes() {
            out.text(&attribute.name);
            out.text(attribute.key_type.as_str());
        }
        Ok(Answered::new(out, Outcome::Bypass(backend::Bypass::NotCached)))
    }

    /// Has the stack answer a request on these tables.
    async fn ask(&self, request: Request, tables: &[&str], asked: &Asked<'_>) -> Result<Success, Refused> {
        let operation = asked.method.operation().expect("a request is of an operation");
        let request_id = asked.request_id.to_owned();
        let call = Call::of_request(Target::of(operation), request, request_id, asked.deadline);
        let reply = match self.backend.ready(&call) {
            Some(reply) => reply,
            None => {
                let answer = self.clock.timeout_at(asked.deadline, self.backend.call(call)).await;
                answer.unwrap_or_else(|| Err(Failure::deadline())).map_err(Refused::Failure)?
            }
        };
        if reply.success().is_some() {
            return Ok(Success { answer: reply.answer, outcome: reply.outcome });
        }
        let refused = Refused::of_origin(&reply);
        if refused.doubts_tables() {
            self.tables.forget(tables);
        }
        Err(refused)
    }

    /// An item without its key, as it travels: the number of its names, and its values.
    async fn blob(&self, item: &Item, schema: &KeySchema) -> Result<Vec<u8>, Refused> {
        let values = Values::of(item, schema);
        let list = self.list_of(&values.names).await?;
        Ok(values.numbered(list))
    }

    async fn list_of(&self, names: &[&str]) -> Result<i64, Refused> {
        let id = match self.lists.known_id(names.iter().copied()) {
            Some(id) => id,
            None => {
                self.lists.id_of(names).await.map_err(|why| Refused::Refusal(metadata::undefined(why)))?
            }
        };
        Ok(i64::try_from(id).expect("numbers of lists have 53 bits"))
    }
}
