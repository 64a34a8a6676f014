//! The bundled engine: a DynamoDB in the same process, and a [`Backend`] like any other.
//!
//! Knows requests as `model` reads them and keeps everything in `store`, which alone touches the disk. Nothing
//! here knows of a cache, or of a wire. A call is read (`model::call::admit`), checked and carried out by one of
//! `ops`; every write is one turn of the store's writer (`write.rs`), so writes and transactions come one after
//! another, and reads see one moment of the store and wait for nobody. Start at [`Engine`].

mod answer;
mod capacity;
mod catalog;
mod config;
mod description;
mod error;
mod filling;
mod index;
mod keys;
mod metrics;
mod ops;
mod page;
mod record;
mod statistics;
mod stream;
mod table;
mod tokens;
mod ttl;
mod warm;
mod write;

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use backend::{Backend, Bypass, Call, ChangeFeed, Document, Failure, OriginAnswer, Outcome, Reply};
use base::{Chance, Clock, Drain};
use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use model::{
    ApiError, ErrorCode, Operation, Target,
    call::{Request, admit},
};
use store::{Store, Transaction};
use tokio::sync::Mutex;

pub use config::Config;
pub use metrics::Metrics;
pub use store::{Config as StoreConfig, OpenError, Opened, Place, SyncPolicy};

use crate::{
    catalog::{Catalog, Origin},
    error::EngineError,
    table::Table,
};

/// A request of this size is read in about a millisecond; the largest ones take some hundred.
const READ_AT_ONCE_BYTES_MAX: usize = 64 << 10;
/// Walking through a directory of data this often is no load.
const MEASURED_EVERY: Duration = Duration::from_secs(10);

/// What an engine is given beside its configuration.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The node's time.
    pub clock: Clock,
    /// The node's randomness.
    pub chance: Chance,
    /// The register of its tasks.
    pub drain: Drain,
    /// What it counts.
    pub metrics: Metrics,
}

/// The engine.
pub struct Engine {
    core: Arc<Core>,
}

/// What all operations share.
struct Core {
    store: Store,
    catalog: Catalog,
    origin: Origin,
    clock: Clock,
    chance: Chance,
    drain: Drain,
    metrics: Metrics,
    /// Where it announces what it changes by itself.
    feed: ChangeFeed,
    /// Held while a table is made, changed or dropped, until everybody can see it.
    changing_tables: Mutex<()>,
}

/// Why an engine cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What it holds cannot be read.
    #[error("the tables cannot be read: {0}")]
    Unreadable(String),
}

impl Engine {
    /// Opens an engine, and goes on with what was under way when it was closed or killed. Blocks for as long as
    /// that takes the disk.
    ///
    /// # Errors
    /// When the store cannot be opened, or holds what this version cannot read.
    pub fn open(config: Config, parts: Parts) -> Result<(Engine, Opened), StartError> {
        let Config { store, ttl_sweep, region, account, item_collection_bytes_max } = config;
        let Parts { clock, chance, drain, metrics } = parts;
        let (store, opened) = Store::open(store, clock.clone())?;
        let origin = Origin { region, account, item_collection_bytes_max };
        let unreadable = |error: EngineError| StartError::Unreadable(error.to_string());
        let catalog = Catalog::load(&store.view(), &origin).map_err(unreadable)?;
        // A crash may have left keyspaces of tables that were never made, or are gone.
        let mut spaces: Vec<_> =
            catalog.tables().values().flat_map(|table| table.spaces().collect::<Vec<_>>()).collect();
        for stream in stream::list(&store.view(), None, None) {
            spaces.push(stream.map_err(unreadable)?.space());
        }
        store.retain(&spaces).map_err(|error| unreadable(error.into()))?;
        let changing_tables = Mutex::new(());
        let feed = ChangeFeed::default();
        let core =
            Arc::new(Core { store, catalog, origin, clock, chance, drain, metrics, feed, changing_tables });
        core.go_on_filling();
        core.drain.spawn(keep_measuring(Arc::downgrade(&core)));
        core.drain.spawn(stream::keep_trimming(Arc::downgrade(&core)));
        if let Some(every) = ttl_sweep {
            core.drain.spawn(ttl::keep_sweeping(Arc::downgrade(&core), every));
        }
        Ok((Engine { core }, opened))
    }
}

impl Core {
    /// The table of this name or ARN.
    fn table(&self, name_or_arn: &str) -> Result<Arc<Table>, EngineError> {
        self.catalog.find(name_or_arn).ok_or_else(EngineError::no_such_table)
    }

    /// Has the store carry out what `prepare` makes ready, again while a table that it was made ready for turns
    /// out to be another one.
    async fn turn<P, T, C>(
        &self,
        prepare: impl Fn() -> Result<(P, C), EngineError>,
    ) -> Result<(P, T), EngineError>
    where
        T: Send + 'static,
        C: FnOnce(&mut Transaction<'_>) -> Result<T, EngineError> + Send + 'static,
    {
        loop {
            let (prepared, change) = prepare()?;
            match self.commit(change).await {
                Ok(done) => return Ok((prepared, done)),
                // Whoever changed the table shows it to everybody before letting go of this.
                Err(EngineError::TableChanged) => drop(self.changing_tables.lock().await),
                Err(error) => return Err(error),
            }
        }
    }

    /// One turn of the store's writer.
    async fn commit<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Transaction<'_>) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let began = self.clock.now();
        let outcome = self.store.write(change).await;
        self.metrics.committed(self.clock.now() - began);
        outcome?
    }

    /// In milliseconds since the epoch.
    fn now_millis(&self) -> u64 {
        let since_epoch = self.clock.wall().duration_since(std::time::UNIX_EPOCH);
        since_epoch.map_or(0, |span| span.as_millis() as u64)
    }

    async fn carry_out(self: &Arc<Self>, call: &Call) -> Result<Vec<u8>, EngineError> {
        let body = call.wire().body.clone();
        let Target::Known(operation) = call.target() else {
            return Err(ApiError::client(ErrorCode::UnknownOperationException, "").into());
        };
        let core = Arc::clone(self);
        match read(operation, &body).await? {
            Request::GetItem(get) => self.get_item(&get),
            Request::PutItem(put) => self.put_item(&put).await,
            Request::UpdateItem(update) => self.update_item(&update).await,
            Request::DeleteItem(delete) => self.delete_item(&delete).await,
            Request::BatchGetItem(batch) => aside(move || core.batch_get_item(&batch)).await,
            Request::BatchWriteItem(batch) => self.batch_write_item(&batch).await,
            Request::Query(query) => aside(move || core.query(&query)).await,
            Request::Scan(scan) => aside(move || core.scan(&scan)).await,
            Request::TransactGetItems(gets) => aside(move || core.transact_get_items(&gets)).await,
            Request::TransactWriteItems(writes) => self.transact_write_items(&writes, &body).await,
            Request::CreateTable(create) => self.create_table(create).await,
            Request::UpdateTable(update) => self.update_table(update).await,
            Request::DeleteTable(delete) => self.delete_table(&delete).await,
            Request::DescribeTable(describe) => self.describe_table(&describe),
            Request::ListTables(list) => self.list_tables(&list),
            Request::UpdateTimeToLive(update) => self.update_time_to_live(update).await,
            Request::DescribeTimeToLive(describe) => self.describe_time_to_live(&describe),
            Request::ListStreams(list) => self.list_streams(&list),
            Request::DescribeStream(describe) => self.describe_stream(&describe).await,
            Request::GetShardIterator(get) => self.get_shard_iterator(&get).await,
            Request::GetRecords(get) => self.get_records(&get).await,
            Request::TagResource(tag) => self.tag_resource(tag).await,
            Request::UntagResource(untag) => self.untag_resource(untag).await,
            Request::ListTagsOfResource(list) => self.list_tags(&list),
            Request::DescribeLimits => self.describe_limits(),
            Request::DescribeEndpoints => self.describe_endpoints(&call.wire().headers),
            Request::DescribeContinuousBackups(describe) => self.describe_continuous_backups(&describe),
            Request::ExecuteStatement(statement) => self.execute_statement(statement).await,
            Request::BatchExecuteStatement(batch) => self.batch_execute_statement(batch).await,
            Request::ExecuteTransaction(transaction) => self.execute_transaction(transaction, &body).await,
            Request::Unread => Err(not_built(operation.name)),
        }
    }
}

/// What is cheaper to measure now and then than to keep count of, for as long as there is an engine.
async fn keep_measuring(measured: Weak<Core>) {
    while let Some(core) = measured.upgrade() {
        let (clock, drain, metrics) = (core.clock.clone(), core.drain.clone(), core.metrics.clone());
        metrics.tables.set(core.catalog.tables().len() as i64);
        let bytes = tokio::task::spawn_blocking(move || core.store.bytes_on_disk()).await;
        metrics.disk_bytes.set(bytes.unwrap_or_default() as i64);
        tokio::select! {
            () = clock.sleep(MEASURED_EVERY) => {}
            () = drain.begun() => return,
        }
    }
}

/// What the engine has no code for says so.
fn not_built(operation: &str) -> EngineError {
    let message = format!("{operation} is not supported by the bundled engine of this version of linac.");
    ApiError::client(ErrorCode::UnknownOperationException, message).into()
}

/// The body has a content coding that nobody took off.
///
/// DynamoDB: an internal error for whatever is neither gzip nor deflate (ScyllaDB's `test_compressed_request.py`, which runs against
/// the service as well).
fn undecodable() -> EngineError {
    let message = "The body of the request has a content coding that is not known.";
    ApiError::client(ErrorCode::InternalServerError, message).into()
}

/// Reads a request; a large one where nobody else waits for it.
async fn read(operation: &'static Operation, body: &Bytes) -> Result<Request, EngineError> {
    if body.len() <= READ_AT_ONCE_BYTES_MAX {
        return Ok(admit(operation, body)?);
    }
    let body = body.clone();
    aside(move || Ok(admit(operation, &body)?)).await
}

/// Work that may take long: not on the threads that serve connections.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

impl Backend for Engine {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Reply, Failure>> {
        async move {
            let carried_out = match call.wire().is_coded() {
                true => Err(undecodable()),
                false => self.core.carry_out(&call).await,
            };
            match carried_out {
                Ok(body) => {
                    let document = Document::new(Bytes::from(body));
                    Ok(Reply::document(document, Outcome::Bypass(Bypass::CacheOff)))
                }
                Err(error) => {
                    if let EngineError::Store(error) = &error {
                        self.core.metrics.failed(error);
                    }
                    refused(&error)
                }
            }
        }
        .boxed()
    }

    fn changes(&self) -> Option<ChangeFeed> {
        Some(self.core.feed.clone())
    }
}

fn refused(error: &EngineError) -> Result<Reply, Failure> {
    let Some((status, headers, body)) = error.answer() else {
        return Err(Failure::new(error.failure_kind(), error.to_string()));
    };
    let answer = OriginAnswer { status, headers, body };
    Ok(Reply::origin(answer, Outcome::Bypass(Bypass::CacheOff)))
}
