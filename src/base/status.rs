//! What a room offers to an operator, without the admin door knowing the room.

use serde_json::Value;

/// Something that an operator can ask a running process to do, over the admin port.
pub trait Action: Send + Sync + 'static {
    /// The path segment and log word, such as `purge`.
    fn name(&self) -> &'static str;

    /// Carries it out; the answer is shown to the operator.
    ///
    /// # Errors
    /// A sentence for the operator when the request cannot be carried out as written.
    fn run(&self, request: &Value) -> Result<Value, String>;
}

/// Something that an operator should know of a process that lives and serves.
pub trait Condition: Send + Sync + 'static {
    /// What is the matter, in a phrase; `None` when all is well.
    fn trouble(&self) -> Option<String>;
}
