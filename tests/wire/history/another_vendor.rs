//! The same in front of another vendor's server, which somebody else has started: `tests/clients/test_history.py`.
//!
//! ```text
//! LINAC_TEST_ORIGIN=http://127.0.0.1:8000 cargo test --test wire -- --ignored --exact history::another_vendor::…
//! ```
//!
//! Each test makes its table, which is not there when it begins.

use std::net::SocketAddr;

use super::{SPAN, behind_a_link, is_caught};

const ORIGIN_VARIABLE: &str = "LINAC_TEST_ORIGIN";

#[expect(clippy::disallowed_methods, reason = "where the server is, only its starter knows")]
fn origin() -> SocketAddr {
    let url = std::env::var(ORIGIN_VARIABLE).unwrap_or_default();
    url.strip_prefix("http://").and_then(|address| address.parse().ok()).unwrap_or_else(|| {
        panic!("{ORIGIN_VARIABLE} is {url:?}, and not where a server is, as http://127.0.0.1:8000")
    })
}

/// If this fails, the vendor has broken the promise, or its stream has told what was not so.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the server of another vendor"]
async fn the_vendor_alone_keeps_what_it_acknowledged() {
    assert_eq!(behind_a_link::a_vendor(origin(), &[("cache.mode", "off")], SPAN / 2).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the server of another vendor"]
async fn what_was_acknowledged_is_read_ever_after() {
    assert_eq!(behind_a_link::a_vendor(origin(), &[], SPAN).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the server of another vendor"]
async fn results_that_outlive_writes_are_caught() {
    is_caught(&behind_a_link::a_vendor(origin(), &[("cache.coherence", "ttl")], SPAN / 2).await);
}
