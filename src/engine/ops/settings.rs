//! What is set of tables beside their form: tags and time to live; and what the service says of itself.

use std::{collections::BTreeSet, sync::Arc};

use http::{HeaderMap, header::HOST};
use model::{
    ApiError, ErrorCode,
    call::{
        DescribeContinuousBackups, DescribeTimeToLive, ListTagsOfResource, Tag, TagResource,
        TimeToLiveSpecification, UntagResource, UpdateTimeToLive,
    },
    table_name_in_arn,
};
use serde_json::json;
use store::{Space, Transaction};

use super::tables::new_space;
use crate::{
    Core, EngineError, answer,
    catalog::Origin,
    table::{Definition, Expiries, Table},
};

/// DynamoDB: "Maximum number of tags per resource: 50" (developer guide, "Tagging restrictions").
const TAGS_MAX: usize = 50;

/// DynamoDB: the words are those of ack-api-quirks, DDB-TABLE-442, captured in October 2026.
pub(crate) fn check_tag_count(tags: &[Tag]) -> Result<(), EngineError> {
    match tags.len() {
        0..=TAGS_MAX => Ok(()),
        _ => Err(EngineError::validation(
            "Number of Tags exceed the current limit for the provided ResourceArn",
        )),
    }
}

impl Core {
    pub(crate) async fn tag_resource(self: &Arc<Self>, asked: TagResource) -> Result<Vec<u8>, EngineError> {
        let name = self.tagged(&asked.resource_arn)?.name().to_owned();
        self.change_table(name, move |definition, _tx| {
            for tag in asked.tags {
                definition.tags.retain(|known| known.key != tag.key);
                definition.tags.push(tag);
            }
            check_tag_count(&definition.tags)
        })
        .await?;
        Ok(Vec::new())
    }

    pub(crate) async fn untag_resource(
        self: &Arc<Self>,
        asked: UntagResource,
    ) -> Result<Vec<u8>, EngineError> {
        let name = self.tagged(&asked.resource_arn)?.name().to_owned();
        let keys: BTreeSet<String> = asked.tag_keys.into_iter().collect();
        self.change_table(name, move |definition, _tx| {
            definition.tags.retain(|tag| !keys.contains(&tag.key));
            Ok(())
        })
        .await?;
        Ok(Vec::new())
    }

    pub(crate) fn list_tags(&self, asked: &ListTagsOfResource) -> Result<Vec<u8>, EngineError> {
        let table = self.tagged(&asked.resource_arn)?;
        let tags: &[Tag] = &table.definition.tags;
        Ok(answer::json(&json!({ "Tags": tags })))
    }

    /// The table of an ARN, which must be one.
    fn tagged(&self, arn: &str) -> Result<Arc<Table>, EngineError> {
        let name = table_name_in_arn(arn).ok_or_else(|| {
            EngineError::validation(format!("Invalid TableArn: Invalid ResourceArn provided as input {arn}"))
        })?;
        let Origin { region, account, .. } = &self.origin;
        // DynamoDB: other accounts' tables are denied, whether there are any or not (the public conformance suite).
        if !arn.contains(&format!(":{region}:{account}:")) {
            let message = format!("User is not authorized to access this resource: {arn}");
            return Err(ApiError::client(ErrorCode::AccessDeniedException, message).into());
        }
        let missing = || {
            let message = format!("Requested resource not found: ResourcArn: {arn} not found");
            EngineError::from(ApiError::client(ErrorCode::ResourceNotFoundException, message))
        };
        self.catalog.find(name).ok_or_else(missing)
    }

    pub(crate) async fn update_time_to_live(
        self: &Arc<Self>,
        asked: UpdateTimeToLive,
    ) -> Result<Vec<u8>, EngineError> {
        let name = super::tables::bare_name(&asked.table_name);
        let wanted = asked.time_to_live_specification;
        let answer = answer::json(&json!({ "TimeToLiveSpecification": wanted }));
        let change = move |definition: &mut Definition, tx: &mut Transaction<'_>| {
            set_time_to_live(definition, tx, wanted)
        };
        let table = self.change_table(name, change).await?;
        self.go_on_filling_table(&table);
        Ok(answer)
    }

    pub(crate) fn describe_time_to_live(&self, asked: &DescribeTimeToLive) -> Result<Vec<u8>, EngineError> {
        let table = self.table_called(&asked.table_name)?;
        let enabled = table.definition.time_to_live.as_ref().filter(|known| known.enabled);
        let description = match enabled {
            Some(known) => json!({ "TimeToLiveStatus": "ENABLED", "AttributeName": known.attribute_name }),
            None => json!({ "TimeToLiveStatus": "DISABLED" }),
        };
        Ok(answer::json(&json!({ "TimeToLiveDescription": description })))
    }

    /// DynamoDB: the default quotas of an account ("Quotas in Amazon DynamoDB" in the developer guide). The engine
    /// enforces none of them.
    pub(crate) fn describe_limits(&self) -> Result<Vec<u8>, EngineError> {
        Ok(answer::json(&json!({
            "AccountMaxReadCapacityUnits": 80_000,
            "AccountMaxWriteCapacityUnits": 80_000,
            "TableMaxReadCapacityUnits": 40_000,
            "TableMaxWriteCapacityUnits": 40_000,
        })))
    }

    /// Whoever asks where to send requests is sent back to where it asked, and not to AWS.
    pub(crate) fn describe_endpoints(&self, headers: &HeaderMap) -> Result<Vec<u8>, EngineError> {
        let asked = headers.get(HOST).and_then(|host| host.to_str().ok());
        let address =
            asked.map_or_else(|| format!("dynamodb.{}.amazonaws.com", self.origin.region), str::to_owned);
        Ok(answer::json(&json!({ "Endpoints": [{ "Address": address, "CachePeriodInMinutes": 1440 }] })))
    }

    pub(crate) fn describe_continuous_backups(
        &self,
        asked: &DescribeContinuousBackups,
    ) -> Result<Vec<u8>, EngineError> {
        let name = super::tables::bare_name(&asked.table_name);
        let missing = || {
            let message = format!("Table not found: {name}");
            EngineError::from(ApiError::client(ErrorCode::TableNotFoundException, message))
        };
        self.catalog.find(&asked.table_name).ok_or_else(missing)?;
        Ok(answer::json(&json!({ "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": { "PointInTimeRecoveryStatus": "DISABLED" },
        } })))
    }
}

/// DynamoDB: one attribute at a time; it is changed by switching time to live off, and on again.
fn set_time_to_live(
    definition: &mut Definition,
    tx: &mut Transaction<'_>,
    wanted: TimeToLiveSpecification,
) -> Result<(), EngineError> {
    let enabled = definition.time_to_live.as_ref().filter(|known| known.enabled);
    match (wanted.enabled, enabled) {
        (false, None) => return Err(EngineError::validation("TimeToLive is already disabled")),
        (_, Some(known)) if known.attribute_name != wanted.attribute_name => {
            return Err(EngineError::validation(format!(
                "TimeToLive is active on a different AttributeName: current AttributeName is {}",
                known.attribute_name
            )));
        }
        (true, Some(_)) => return Err(EngineError::validation("TimeToLive is already enabled")),
        (true, None) => {
            definition.expiries = Some(Expiries { space: new_space(tx)?, is_filled: false });
        }
        (false, Some(_)) => {
            if let Some(expiries) = definition.expiries.take() {
                tx.drop_space(Space(expiries.space));
            }
        }
    }
    definition.time_to_live = Some(wanted);
    Ok(())
}
