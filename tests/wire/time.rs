//! Time that passes at once: what takes minutes is tested without waiting, on machines of any speed.

use std::time::Duration;

/// Turns the clock forward for all of this test: its nodes, stubs and clients, if its runtime has one thread.
pub(crate) async fn pass(span: Duration) {
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
}
