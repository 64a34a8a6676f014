//! Requests that make, change and describe tables.

use super::*;

fn definition(name: &str) -> Value {
    json!({ "AttributeName": name, "AttributeType": "S" })
}

fn keys(roles: &[(&str, &str)]) -> Value {
    roles.iter().map(|(name, role)| json!({ "AttributeName": name, "KeyType": role })).collect()
}

fn table() -> Value {
    json!({
        "TableName": "Tab", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [definition("p")], "KeySchema": keys(&[("p", "HASH")]),
    })
}

/// With attributes a to i defined, and a key of p and s.
fn wide() -> Value {
    let definitions: Vec<Value> =
        ["p", "s", "a", "b", "c", "d", "e", "f", "g", "h", "i"].map(definition).into();
    with(
        table(),
        json!({ "AttributeDefinitions": definitions, "KeySchema": keys(&[("p", "HASH"), ("s", "RANGE")]) }),
    )
}

fn index(name: &str, roles: &[(&str, &str)]) -> Value {
    json!({ "IndexName": name, "KeySchema": keys(roles), "Projection": { "ProjectionType": "ALL" } })
}

fn invalid(fault: &str) -> String {
    format!("One or more parameter values were invalid: {fault}")
}

#[test]
fn a_table_is_paid_for_in_one_way() {
    let units = |read: u64| json!({ "ReadCapacityUnits": read, "WriteCapacityUnits": 1 });
    let cases = [
        (
            json!({ "ProvisionedThroughput": units(1) }),
            invalid(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is \
                 PAY_PER_REQUEST",
            ),
        ),
        (
            json!({ "BillingMode": null }),
            invalid(
                "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is \
                 PROVISIONED",
            ),
        ),
        (
            json!({ "BillingMode": null, "ProvisionedThroughput": units(1_000_000_000_001) }),
            "Given value 1000000000001 for ReadCapacityUnits is out of bounds".to_owned(),
        ),
        (
            json!({ "BillingMode": "PROVISIONED", "ProvisionedThroughput": units(0) }),
            "1 validation error detected: Value '0' at 'provisionedThroughput.readCapacityUnits' failed to \
             satisfy constraint: Member must have value greater than or equal to 1"
                .to_owned(),
        ),
    ];
    for (more, message) in cases {
        refused("CreateTable", with(table(), more), &message);
    }
    admitted("CreateTable", with(table(), json!({ "BillingMode": null, "ProvisionedThroughput": units(5) })));
}

#[test]
fn keys_are_of_defined_attributes_in_their_places() {
    let undefined = "Invalid KeySchema: Some index key attribute have no definition";
    let cases = [
        (json!({ "KeySchema": keys(&[("p", "HASH"), ("p", "RANGE")]) }), undefined.to_owned()),
        (json!({ "AttributeDefinitions": [] }), undefined.to_owned()),
        (
            json!({ "KeySchema": keys(&[("x", "HASH")]) }),
            invalid(
                "Some index key attributes are not defined in AttributeDefinitions. Keys: [x], \
                 AttributeDefinitions: [p]",
            ),
        ),
        (
            json!({ "AttributeDefinitions": [definition("p"), definition("s")],
                "KeySchema": keys(&[("p", "HASH"), ("p", "RANGE")]) }),
            "Both the Hash Key and the Range Key element in the KeySchema have the same name".to_owned(),
        ),
        (
            json!({ "KeySchema": keys(&[("p", "RANGE")]) }),
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type".to_owned(),
        ),
        (
            json!({ "AttributeDefinitions": [definition("p"), definition("s")],
                "KeySchema": keys(&[("p", "HASH"), ("s", "HASH")]) }),
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type".to_owned(),
        ),
        (
            json!({ "AttributeDefinitions": [definition("p"), definition("s")] }),
            invalid(
                "Number of attributes in KeySchema does not exactly match number of attributes defined in \
                 AttributeDefinitions",
            ),
        ),
        (
            json!({ "KeySchema": keys(&[("pk", "HASH"), ("sk", "RANGE"), ("extra", "RANGE")]) }),
            "1 validation error detected: Value '[KeySchemaElement(attributeName=pk, keyType=HASH), \
             KeySchemaElement(attributeName=sk, keyType=RANGE), KeySchemaElement(attributeName=extra, \
             keyType=RANGE)]' at 'keySchema' failed to satisfy constraint: Member must have length less than \
             or equal to 2"
                .to_owned(),
        ),
        (
            json!({ "KeySchema": keys(&[("p", "INVALID")]) }),
            "1 validation error detected: Value 'INVALID' at 'keySchema.1.member.keyType' failed to satisfy \
             constraint: Member must satisfy enum value set: [HASH, RANGE]"
                .to_owned(),
        ),
        (
            json!({ "AttributeDefinitions": [{ "AttributeName": "p", "AttributeType": "INVALID" }] }),
            "1 validation error detected: Value 'INVALID' at 'attributeDefinitions.1.member.attributeType' \
             failed to satisfy constraint: Member must satisfy enum value set: [B, N, S]"
                .to_owned(),
        ),
    ];
    for (more, message) in cases {
        refused("CreateTable", with(table(), more), &message);
    }
}

#[test]
fn local_indexes_share_the_partition_key() {
    let good = index("one", &[("p", "HASH"), ("a", "RANGE")]);
    let many: Vec<Value> =
        (0..6).map(|n| index(&format!("index{n}"), &[("p", "HASH"), ("a", "RANGE")])).collect();
    let cases = [
        (json!([]), invalid("List of LocalSecondaryIndexes is empty")),
        (
            json!([index("one", &[("p", "HASH"), ("x", "RANGE")])]),
            invalid(
                "Some index key attributes are not defined in AttributeDefinitions. Keys: [p, x], \
                 AttributeDefinitions: [p, s, a, b, c, d, e, f, g, h, i]",
            ),
        ),
        (
            json!([index("one", &[("p", "HASH")])]),
            invalid("Index KeySchema does not have a range key for index: one"),
        ),
        (
            json!([index("one", &[("a", "HASH"), ("s", "RANGE")])]),
            invalid(
                "Index KeySchema does not have the same leading hash key as table KeySchema for index: one. \
                 index hash key: a, table hash key: p",
            ),
        ),
        (json!([good, good]), invalid("Duplicate index name: one")),
        (json!(many), invalid("Number of LocalSecondaryIndexes exceeds per-table limit of 5")),
    ];
    for (indexes, message) in cases {
        refused("CreateTable", with(wide(), json!({ "LocalSecondaryIndexes": indexes })), &message);
    }
    refused(
        "CreateTable",
        with(
            table(),
            json!({ "AttributeDefinitions": [definition("p"), definition("a")], "LocalSecondaryIndexes": [good] }),
        ),
        &invalid(
            "Table KeySchema does not have a range key, which is required when specifying a \
             LocalSecondaryIndex",
        ),
    );
}

#[test]
fn global_indexes_may_have_long_keys() {
    let long = [
        ("a", "HASH"),
        ("b", "HASH"),
        ("c", "HASH"),
        ("d", "HASH"),
        ("e", "RANGE"),
        ("f", "RANGE"),
        ("g", "RANGE"),
        ("h", "RANGE"),
    ];
    let mut longer = long.to_vec();
    longer.push(("i", "RANGE"));
    let throughput = json!({ "ReadCapacityUnits": 1, "WriteCapacityUnits": 1 });
    let many: Vec<Value> = (0..21).map(|n| index(&format!("index{n}"), &long)).collect();
    let cases = [
        (json!([]), invalid("List of GlobalSecondaryIndexes is empty")),
        (
            json!([index("one", &longer)]),
            invalid("The KeySchema exceeds the maximum allowed number of RANGE key attributes"),
        ),
        (
            json!([index("one", &[("a", "HASH"), ("b", "RANGE"), ("c", "HASH")])]),
            invalid("All HASH key attributes must precede RANGE key attributes in the KeySchema"),
        ),
        (
            json!([index("one", &[("a", "HASH"), ("b", "RANGE"), ("b", "RANGE")])]),
            "The KeySchema contains multiple key attributes with the same name".to_owned(),
        ),
        (
            json!([index("one", &[("a", "HASH"), ("a", "RANGE")])]),
            "Both the Hash Key and the Range Key element in the KeySchema have the same name".to_owned(),
        ),
        (
            json!([index("one", &[("a", "RANGE")])]),
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type".to_owned(),
        ),
        (
            json!([with(index("one", &long), json!({ "ProvisionedThroughput": throughput }))]),
            invalid(
                "ProvisionedThroughput should not be specified for index: one when BillingMode is \
                 PAY_PER_REQUEST",
            ),
        ),
        (json!([index("one", &long), index("one", &long)]), invalid("Duplicate index name: one")),
        (json!(many), invalid("GlobalSecondaryIndex count exceeds the per-table limit of 20")),
        (
            json!([index("one", &[("a", "HASH")])]),
            invalid(
                "Some AttributeDefinitions are not used. AttributeDefinitions: [p, s, a, b, c, d, e, f, g, h, \
                 i], keys used: [p, s, a]",
            ),
        ),
    ];
    for (indexes, message) in cases {
        refused("CreateTable", with(wide(), json!({ "GlobalSecondaryIndexes": indexes })), &message);
    }
    let indexes = json!([index("one", &long), index("two", &[("i", "HASH")])]);
    let body = with(wide(), json!({ "GlobalSecondaryIndexes": indexes }));
    let Request::CreateTable(created) = admitted("CreateTable", body.clone()) else { panic!() };
    let described = serde_json::to_value(&created.global_secondary_indexes).unwrap();
    assert_eq!(described, indexes);
    let provisioned = json!({ "BillingMode": null, "ProvisionedThroughput": throughput });
    refused(
        "CreateTable",
        with(body, provisioned),
        &invalid("ProvisionedThroughput is not specified for index: one"),
    );
}

#[test]
fn projections_name_attributes_or_do_not() {
    let cases = [
        (json!({}), "Unknown ProjectionType: null"),
        (
            json!({ "ProjectionType": "ALL", "NonKeyAttributes": ["a"] }),
            "ProjectionType is ALL, but NonKeyAttributes is specified",
        ),
        (
            json!({ "ProjectionType": "INCLUDE" }),
            "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
        ),
        (
            json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": ["a", "a"] }),
            "Duplicate element in NonKeyAttributes: a",
        ),
    ];
    for (projection, fault) in cases {
        let index = with(index("one", &[("a", "HASH")]), json!({ "Projection": projection }));
        refused("CreateTable", with(wide(), json!({ "GlobalSecondaryIndexes": [index] })), &invalid(fault));
    }
}

#[test]
fn violations_of_global_indexes_come_first() {
    let short = |name: &str, list: &str| {
        format!(
            "Value '{name}' at '{list}.1.member.indexName' failed to satisfy constraint: Member must have \
             length greater than or equal to 3"
        )
    };
    let body = with(
        wide(),
        json!({ "LocalSecondaryIndexes": [index("aa", &[("p", "HASH"), ("a", "RANGE")])],
            "GlobalSecondaryIndexes": [index("zz", &[("a", "HASH")])] }),
    );
    let (global, local) = (short("zz", "globalSecondaryIndexes"), short("aa", "localSecondaryIndexes"));
    refused("CreateTable", body, &format!("2 validation errors detected: {global}; {local}"));
}

#[test]
fn the_rest_of_a_table_has_rules_of_its_own() {
    let cases = [
        (
            json!({ "StreamSpecification": { "StreamEnabled": true } }),
            invalid("Table is being created with a stream enabled, UpdateViewType is required"),
        ),
        (
            json!({ "StreamSpecification": { "StreamEnabled": false, "StreamViewType": "KEYS_ONLY" } }),
            invalid("Table is being created with a stream disabled, UpdateViewType should not be specified"),
        ),
        (
            json!({ "SSESpecification": { "Enabled": false, "SSEType": "KMS" } }),
            invalid("SSEType can not be specified if Enabled is false"),
        ),
        (
            json!({ "SSESpecification": { "Enabled": true, "SSEType": "AES256" } }),
            invalid("SSEType AES256 is not supported"),
        ),
        (
            json!({ "SSESpecification": { "Enabled": true, "KMSMasterKeyId": "x" } }),
            invalid("SSEType KMS is required if KMSMasterKeyId is specified"),
        ),
        (
            json!({ "TableClass": "GLACIAL" }),
            "Invalid table-class parameter provided. Please try again with a valid table-class value: \
             [STANDARD, STANDARD_INFREQUENT_ACCESS]."
                .to_owned(),
        ),
        (
            json!({ "OnDemandThroughput": { "MaxWriteRequestUnits": 0 } }),
            invalid(
                "Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid range",
            ),
        ),
        (
            json!({ "BillingMode": null, "OnDemandThroughput": { "MaxReadRequestUnits": 1 },
                "ProvisionedThroughput": { "ReadCapacityUnits": 1, "WriteCapacityUnits": 1 } }),
            invalid(
                "MaxReadRequestUnits for OnDemandThroughput cannot be specified when table BillingMode is \
                 PROVISIONED.",
            ),
        ),
        (
            json!({ "Tags": [{ "Key": "", "Value": "x" }] }),
            "The Tag Key provided is invalid, Key: ".to_owned(),
        ),
    ];
    for (more, message) in cases {
        refused("CreateTable", with(table(), more), &message);
    }
    let more = json!({
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
        "SSESpecification": { "Enabled": true, "SSEType": "KMS", "KMSMasterKeyId": "x" },
        "TableClass": "STANDARD_INFREQUENT_ACCESS", "DeletionProtectionEnabled": true,
        "OnDemandThroughput": { "MaxReadRequestUnits": 5 }, "ResourcePolicy": "{}",
        "WarmThroughput": { "ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000 },
        "Tags": [{ "Key": "k", "Value": "" }], "VectorIndexes": [{}],
    });
    let Request::CreateTable(created) = admitted("CreateTable", with(table(), more.clone())) else {
        panic!()
    };
    assert_eq!(serde_json::to_value(&created.sse_specification).unwrap(), more["SSESpecification"]);
    assert_eq!(serde_json::to_value(created.stream_specification).unwrap(), more["StreamSpecification"]);
    assert_eq!(serde_json::to_value(created.warm_throughput).unwrap(), more["WarmThroughput"]);
    assert_eq!(serde_json::to_value(&created.tags).unwrap(), more["Tags"]);
    assert!(created.vector_indexes.0);
}

#[test]
fn an_update_changes_something_and_not_too_much() {
    let units = json!({ "ReadCapacityUnits": 1, "WriteCapacityUnits": 1 });
    let delete = json!({ "Delete": { "IndexName": "one" } });
    let stream = json!({ "StreamEnabled": true, "StreamViewType": "KEYS_ONLY" });
    let nothing = "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, \
                   GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, \
                   ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, \
                   OnDemandThroughput, WarmThroughput or TableClass is required";
    let cases = [
        (json!({}), nothing.to_owned()),
        (json!({ "AttributeDefinitions": [definition("p")] }), nothing.to_owned()),
        (json!({ "OnDemandThroughput": {} }), nothing.to_owned()),
        (
            json!({ "BillingMode": "PROVISIONED" }),
            invalid("ProvisionedThroughput must be specified when BillingMode is PROVISIONED"),
        ),
        (
            json!({ "BillingMode": "PAY_PER_REQUEST", "ProvisionedThroughput": units }),
            invalid(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is \
                 PAY_PER_REQUEST",
            ),
        ),
        (
            json!({ "GlobalSecondaryIndexUpdates": [{}] }),
            invalid(
                "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, \
                 GlobalSecondaryIndexUpdate.Delete must not be null",
            ),
        ),
        (
            json!({ "GlobalSecondaryIndexUpdates":
                [with(delete.clone(), json!({ "Update": { "IndexName": "one" } }))] }),
            invalid(
                "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object",
            ),
        ),
        (
            json!({ "GlobalSecondaryIndexUpdates": [delete, delete] }),
            invalid("Only one global secondary index update per index is allowed simultaneously. Index: one"),
        ),
        (
            json!({ "GlobalSecondaryIndexUpdates": [{ "Create": index("one", &[("a", "HASH")]) }] }),
            invalid("AttributeDefinitions is not specified for index: one"),
        ),
        (
            json!({ "StreamSpecification": { "StreamEnabled": true } }),
            invalid("If stream is being enabled then UpdateViewType is required"),
        ),
        (
            json!({ "DeletionProtectionEnabled": true, "TableClass": "STANDARD" }),
            invalid("TableClass modification must be the only operation in the request"),
        ),
        (
            json!({ "DeletionProtectionEnabled": true, "BillingMode": "PAY_PER_REQUEST" }),
            invalid("DeletionProtection modification must be the only operation in the request"),
        ),
        (
            json!({ "ProvisionedThroughput": units, "StreamSpecification": stream }),
            invalid("You cannot modify stream status while updating table IOPS"),
        ),
        (
            json!({ "ProvisionedThroughput": units, "GlobalSecondaryIndexUpdates": [delete] }),
            invalid("You cannot create or delete index while updating table IOPS"),
        ),
        (
            json!({ "StreamSpecification": stream, "GlobalSecondaryIndexUpdates": [delete] }),
            invalid("You cannot create or delete index while changing stream status"),
        ),
    ];
    for (more, message) in cases {
        refused("UpdateTable", with(json!({ "TableName": "Tab" }), more), &message);
    }
    for more in [
        json!({ "GlobalSecondaryIndexUpdates": [delete, { "Create": index("two", &[("x", "HASH")]) }],
            "AttributeDefinitions": [definition("x")] }),
        json!({ "BillingMode": "PROVISIONED", "ProvisionedThroughput": units,
            "GlobalSecondaryIndexUpdates":
                [{ "Update": { "IndexName": "one", "ProvisionedThroughput": units } }] }),
        json!({ "BillingMode": "PAY_PER_REQUEST", "OnDemandThroughput": { "MaxReadRequestUnits": -1 } }),
        json!({ "ReplicaUpdates": [{}] }),
    ] {
        admitted("UpdateTable", with(json!({ "TableName": "Tab" }), more));
    }
}

#[test]
fn an_index_that_is_added_is_checked_once_there_is_a_table() {
    let create = json!({ "Create": index("one", &[("a", "HASH")]) });
    let body = json!({ "TableName": "Tab", "AttributeDefinitions": [definition("b")],
        "GlobalSecondaryIndexUpdates": [create] });
    let Request::UpdateTable(update) = admitted("UpdateTable", body) else { panic!() };
    let Some([crate::call::GlobalSecondaryIndexUpdate::Create(index)]) =
        update.global_secondary_index_updates.as_deref()
    else {
        panic!()
    };
    let fault = index.check(update.attribute_definitions.as_deref().unwrap()).unwrap_err();
    assert_eq!(
        fault.message,
        invalid(
            "Some index key attributes are not defined in AttributeDefinitions. Keys: [a], \
             AttributeDefinitions: [b]"
        )
    );
}

#[test]
fn tags_belong_to_a_table_s_arn() {
    let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/Tab";
    let tag = |key: &str| json!({ "Key": key, "Value": "x" });
    let cases = [
        ("TagResource", json!({}), "Invalid TableArn".to_owned()),
        ("ListTagsOfResource", json!({ "ResourceArn": "" }), "Invalid TableArn".to_owned()),
        (
            "TagResource",
            json!({ "ResourceArn": "not-a-valid-arn", "Tags": [] }),
            invalid("ARNs must start with 'arn:': not-a-valid-arn"),
        ),
        (
            "UntagResource",
            json!({ "ResourceArn": "arn:aws:s3:::bucket", "TagKeys": [] }),
            invalid("Provided Arn is not a DynamoDB resource arn: arn:aws:s3:::bucket"),
        ),
        (
            "ListTagsOfResource",
            json!({ "ResourceArn": format!("{arn}/index/one") }),
            invalid(&format!(
                "Invalid resource arn provided, only table or stream is accepted. Provided resource arn: \
                 {arn}/index/one"
            )),
        ),
        (
            "TagResource",
            json!({ "ResourceArn": arn, "Tags": [] }),
            "Atleast one Tag needs to be provided as Input.".to_owned(),
        ),
        (
            "UntagResource",
            json!({ "ResourceArn": arn, "TagKeys": [] }),
            "Atleast one Tag Key needs to be provided as Input.".to_owned(),
        ),
        (
            "TagResource",
            json!({ "ResourceArn": arn, "Tags": [tag("aws:x")] }),
            "Tag Key cannot be prefixed with aws:, Key: aws:x".to_owned(),
        ),
        (
            "TagResource",
            json!({ "ResourceArn": arn, "Tags": [{ "Key": "k" }] }),
            "The Tag Value provided is invalid, Value: null".to_owned(),
        ),
        (
            "TagResource",
            json!({ "ResourceArn": arn, "Tags": [tag("k"), tag("k")] }),
            "Duplicate Tag Keys provided as input: Duplicate Tag Key found k".to_owned(),
        ),
        (
            "TagResource",
            json!({ "ResourceArn": arn }),
            "1 validation error detected: Value null at 'tags' failed to satisfy constraint: Member must not \
             be null"
                .to_owned(),
        ),
    ];
    for (operation, body, message) in cases {
        refused(operation, body, &message);
    }
    let Request::TagResource(tagged) =
        admitted("TagResource", json!({ "ResourceArn": arn, "Tags": [tag("k")] }))
    else {
        panic!()
    };
    assert_eq!((tagged.resource_arn.as_str(), tagged.tags.len()), (arn, 1));
    admitted("UntagResource", json!({ "ResourceArn": arn, "TagKeys": ["k"] }));
    admitted("ListTagsOfResource", json!({ "ResourceArn": arn, "NextToken": "x" }));
}

#[test]
fn what_needs_little_is_admitted() {
    let named = json!({ "TableName": "Tab" });
    for (operation, body) in [
        ("DeleteTable", named.clone()),
        ("DescribeTable", named.clone()),
        ("DescribeTimeToLive", named.clone()),
        ("DescribeContinuousBackups", named),
        ("DescribeLimits", json!({ "x": 1 })),
        ("DescribeEndpoints", json!({})),
        ("ListTables", json!({ "Limit": 100, "ExclusiveStartTableName": "Tab" })),
        (
            "UpdateTimeToLive",
            json!({ "TableName": "Tab",
                "TimeToLiveSpecification": { "Enabled": false, "AttributeName": "ttl" } }),
        ),
    ] {
        let request = format!("{:?}", admitted(operation, body));
        assert!(request.starts_with(operation), "{request}");
    }
}
