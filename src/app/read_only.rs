//! A layer that lets nothing pass but reads.

use std::sync::Arc;

use backend::{Backend, Call, ChangeFeed, Failure, FailureKind, Reply};
use futures_util::future::{BoxFuture, ready};

/// Refuses every call that the table of operations does not know to be a read, PartiQL's `SELECT` with the
/// rest of PartiQL.
pub(crate) struct ReadOnly {
    inner: Arc<dyn Backend>,
}

impl ReadOnly {
    /// Reads go on to `inner`.
    pub(crate) fn new(inner: Arc<dyn Backend>) -> ReadOnly {
        ReadOnly { inner }
    }
}

impl Backend for ReadOnly {
    fn ready(&self, call: &Call) -> Option<Reply> {
        if call.target().only_reads() { self.inner.ready(call) } else { None }
    }

    fn call(&self, call: Call) -> BoxFuture<'_, Result<Reply, Failure>> {
        if call.target().only_reads() {
            return self.inner.call(call);
        }
        Box::pin(ready(Err(Failure::new(FailureKind::Refused, REFUSAL))))
    }

    fn changes(&self) -> Option<ChangeFeed> {
        self.inner.changes()
    }
}

const REFUSAL: &str = "This node is read-only: it passes on what is certain to change nothing.";

#[cfg(test)]
mod tests {
    use backend::{
        Wire,
        doubles::{Counting, Scripted, origin_reply},
    };
    use base::Clock;
    use model::{ApiError, ErrorCode, Target};

    use super::*;

    #[tokio::test]
    async fn only_known_reads_pass() {
        let origin = Scripted::new(|_| Box::pin(async { Ok(origin_reply(200, "{}")) }));
        let counting = Counting::new(origin);
        let node = ReadOnly::new(Arc::clone(&counting) as Arc<dyn Backend>);
        let check = async |target: &str, is_read: bool| {
            let before = counting.calls();
            let target = Target::parse(target).unwrap();
            let call = Call::from_client(target.clone(), Wire::default(), "id".into(), Clock::start().now());
            let outcome = node.call(call).await;
            assert_eq!(counting.calls() - before, usize::from(is_read), "{target:?}");
            let code = outcome.err().map(|failure| ApiError::from(&failure).code);
            assert_eq!(code, (!is_read).then_some(ErrorCode::AccessDeniedException), "{target:?}");
        };
        check("DynamoDB_20120810.GetItem", true).await;
        check("DynamoDB_20120810.Scan", true).await;
        check("DynamoDB_20120810.TransactGetItems", true).await;
        check("DynamoDB_20120810.DescribeTable", true).await;
        check("DynamoDBStreams_20120810.GetRecords", true).await;
        check("DynamoDB_20120810.PutItem", false).await;
        check("DynamoDB_20120810.ExecuteStatement", false).await;
        check("DynamoDB_20120810.CreateTable", false).await;
        check("DynamoDB_20120810.TagResource", false).await;
        check("DynamoDB_20120810.GetItemOfTheFuture", false).await;
    }
}
