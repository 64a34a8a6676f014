//! Backends for the tests of other rooms.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode};

use crate::{Backend, Bypass, Call, ChangeFeed, Failure, OriginAnswer, Outcome, Reply};

/// What a scripted backend does with a call.
pub type Script = dyn Fn(Call) -> BoxFuture<'static, Result<Reply, Failure>> + Send + Sync;

/// Answers as a closure says, and remembers what it was asked.
pub struct Scripted {
    script: Box<Script>,
    calls: Mutex<Vec<Call>>,
    /// Where a test announces what the backend is to change by itself.
    pub feed: ChangeFeed,
}

impl Scripted {
    /// A backend that does what `script` says.
    pub fn new(
        script: impl Fn(Call) -> BoxFuture<'static, Result<Reply, Failure>> + Send + Sync + 'static,
    ) -> Arc<Scripted> {
        Arc::new(Scripted { script: Box::new(script), calls: Mutex::default(), feed: ChangeFeed::default() })
    }

    /// The bodies of all calls of an operation, in order.
    pub fn asked(&self, operation: &str) -> Vec<String> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let bodies = calls.iter().filter(|call| call.target().word() == operation);
        bodies.map(|call| String::from_utf8_lossy(&call.wire().body).into_owned()).collect()
    }
}

impl Backend for Scripted {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Reply, Failure>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call.clone());
        (self.script)(call)
    }

    fn changes(&self) -> Option<ChangeFeed> {
        Some(self.feed.clone())
    }
}

/// Counts the calls that pass through.
pub struct Counting {
    inner: Arc<dyn Backend>,
    calls: AtomicUsize,
}

impl Counting {
    /// Counts in front of `inner`.
    pub fn new(inner: Arc<dyn Backend>) -> Arc<Counting> {
        Arc::new(Counting { inner, calls: AtomicUsize::new(0) })
    }

    /// Calls so far.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

impl Backend for Counting {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Reply, Failure>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.inner.call(call)
    }
}

/// A reply as an origin would give it.
pub fn origin_reply(status: u16, body: impl Into<Bytes>) -> Reply {
    let status = StatusCode::from_u16(status).expect("tests use real statuses");
    let answer = OriginAnswer { status, headers: HeaderMap::new(), body: body.into() };
    Reply::origin(answer, Outcome::Bypass(Bypass::CacheOff))
}
