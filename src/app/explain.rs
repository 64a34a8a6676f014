//! What would become of a request, together with who wrote the rule that holds for it.

use std::sync::Arc;

use base::Action;
use serde_json::{Value, json};

use crate::{
    config::{keys::OPERATIONS, place::Place},
    reload::Reload,
};

/// The cache's own explanation; with sources, where the configuration is one that can be read again.
pub(crate) struct Explain {
    pub(crate) of_cache: Arc<dyn Action>,
    pub(crate) reload: Option<Arc<Reload>>,
}

impl Action for Explain {
    fn name(&self) -> &'static str {
        self.of_cache.name()
    }

    fn run(&self, request: &Value) -> Result<Value, String> {
        let mut told = self.of_cache.run(request)?;
        if let (Some(reload), Some(place)) = (&self.reload, place(&told)) {
            told["sources"] = json!(reload.sources(&place));
        }
        Ok(told)
    }
}

/// Whose rule was told of; none where several tables were.
fn place(told: &Value) -> Option<Place> {
    let operation = OPERATIONS.into_iter().find(|operation| told["operation"] == *operation)?;
    let table = Place::of_table(told["table"].as_str()?);
    let owner = match told["index"].as_str() {
        Some(index) => table.with_index(index),
        None => table,
    };
    Some(owner.with_operation(operation))
}
