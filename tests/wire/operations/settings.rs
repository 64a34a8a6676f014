//! What tables are given beside their form.

use serde_json::{Value, json};

use super::{ARN, on_every_way, plain, with};

fn time_to_live(attribute: &str, enabled: bool) -> Value {
    json!({ "TableName": "Music", "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": enabled } })
}

#[tokio::test]
async fn time_to_live_is_set_and_taken_back() {
    on_every_way(async |way| {
        way.with_table("Music").await;
        let described = async || {
            let described = way.ok("DescribeTimeToLive", json!({ "TableName": "Music" })).await;
            described["TimeToLiveDescription"].clone()
        };
        assert_eq!(described().await, json!({ "TimeToLiveStatus": "DISABLED" }));
        way.invalid("UpdateTimeToLive", time_to_live("ends", false), "TimeToLive is already disabled").await;
        let set = way.ok("UpdateTimeToLive", time_to_live("ends", true)).await;
        assert_eq!(set, json!({ "TimeToLiveSpecification": { "AttributeName": "ends", "Enabled": true } }));
        assert_eq!(described().await, json!({ "TimeToLiveStatus": "ENABLED", "AttributeName": "ends" }));
        way.invalid("UpdateTimeToLive", time_to_live("ends", true), "TimeToLive is already enabled").await;
        way.invalid(
            "UpdateTimeToLive",
            time_to_live("other", false),
            "TimeToLive is active on a different AttributeName: current AttributeName is ends",
        )
        .await;
        way.ok("UpdateTimeToLive", time_to_live("ends", false)).await;
        assert_eq!(described().await, json!({ "TimeToLiveStatus": "DISABLED" }));
    })
    .await;
}

#[tokio::test]
async fn tags_are_set_listed_and_taken_back() {
    on_every_way(async |way| {
        let tag = |key: &str, value: &str| json!({ "Key": key, "Value": value });
        way.ok("CreateTable", with(&plain("Music"), json!({ "Tags": [tag("made", "first")] }))).await;
        way.active("Music").await;
        let arn = format!("{ARN}Music");
        let listed = async || {
            let mut tags = way.ok("ListTagsOfResource", json!({ "ResourceArn": arn })).await["Tags"].clone();
            tags.as_array_mut().unwrap().sort_by_key(ToString::to_string);
            tags
        };
        assert_eq!(listed().await, json!([tag("made", "first")]));
        let tags = json!({ "ResourceArn": arn, "Tags": [tag("made", "again"), tag("team", "")] });
        way.ok("TagResource", tags).await;
        assert_eq!(listed().await, json!([tag("made", "again"), tag("team", "")]));
        way.ok("UntagResource", json!({ "ResourceArn": arn, "TagKeys": ["made", "never"] })).await;
        assert_eq!(listed().await, json!([tag("team", "")]));
        way.refused(
            "ListTagsOfResource",
            json!({ "ResourceArn": format!("{ARN}Nowhere") }),
            "ResourceNotFoundException",
            &format!("Requested resource not found: ResourcArn: {ARN}Nowhere not found"),
        )
        .await;
        // Tags go with their table.
        way.ok("DeleteTable", json!({ "TableName": "Music" })).await;
        way.with_table("Music").await;
        assert_eq!(listed().await, json!([]));
    })
    .await;
}

#[tokio::test]
async fn the_service_speaks_of_itself() {
    on_every_way(async |way| {
        way.with_table("Music").await;
        let limits = way.ok("DescribeLimits", json!({})).await;
        assert_eq!(limits["TableMaxReadCapacityUnits"], 40_000);
        let backups = way.ok("DescribeContinuousBackups", json!({ "TableName": "Music" })).await;
        let recovery = &backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"];
        assert_eq!(recovery["PointInTimeRecoveryStatus"], "DISABLED");
    })
    .await;
}
