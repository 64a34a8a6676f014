//! `TagResource`, `UntagResource` and `ListTagsOfResource`.

use serde::Deserialize;

use super::Tag;

/// `TagResource`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct TagResource {
    /// The table's ARN.
    pub resource_arn: String,
    /// Labels to set.
    pub tags: Vec<Tag>,
}

/// `UntagResource`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct UntagResource {
    /// The table's ARN.
    pub resource_arn: String,
    /// Names of labels to take away.
    pub tag_keys: Vec<String>,
}

/// `ListTagsOfResource`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct ListTagsOfResource {
    /// The table's ARN.
    pub resource_arn: String,
    /// Where an earlier page ended.
    pub next_token: Option<String>,
}
