//! What a table's specification must be, whether or not there is such a table.
//!
//! DynamoDB: the order is dynalite's, recorded from the service; what is newer than that comes after it, in
//! the words of a catalogue of live errors of October 2026, whose order was not seen.

use std::collections::HashSet;

use super::{
    AttributeDefinition, BillingMode, CreateTable, GlobalSecondaryIndex, GlobalSecondaryIndexUpdate, KeyRole,
    KeySchemaElement, LocalSecondaryIndex, OnDemandThroughput, Projection, ProjectionType,
    ProvisionedThroughput, SseSpecification, SseType, UpdateTable,
};
use crate::ApiError;
use crate::limits::{
    CAPACITY_UNITS_MAX, GLOBAL_INDEXES_MAX, INDEX_KEY_ATTRIBUTES_MAX, LOCAL_INDEXES_MAX,
    PROJECTED_ATTRIBUTES_MAX,
};

type Checked = Result<(), ApiError>;

fn invalid(fault: impl std::fmt::Display) -> Checked {
    Err(ApiError::validation(format!("One or more parameter values were invalid: {fault}")))
}

fn refused(fault: impl Into<String>) -> Checked {
    Err(ApiError::validation(fault))
}

impl CreateTable {
    pub(super) fn check(&self) -> Checked {
        self.check_billing()?;
        let definitions = Definitions::of(&self.attribute_definitions);
        self.check_keys(&definitions)?;
        let mut names = HashSet::new();
        if let Some(indexes) = &self.local_secondary_indexes {
            self.check_local_indexes(indexes, &definitions, &mut names)?;
        }
        if let Some(indexes) = &self.global_secondary_indexes {
            self.check_global_indexes(indexes, &definitions, &mut names)?;
        }
        self.check_all_defined_are_used(&definitions)?;
        let local = self.local_secondary_indexes.iter().flatten().map(|index| &index.projection);
        let global = self.global_secondary_indexes.iter().flatten().map(|index| &index.projection);
        check_projected(local.chain(global))?;
        match &self.stream_specification {
            Some(stream) if stream.stream_enabled && stream.stream_view_type.is_none() => {
                invalid("Table is being created with a stream enabled, UpdateViewType is required")?;
            }
            Some(stream) if !stream.stream_enabled && stream.stream_view_type.is_some() => invalid(
                "Table is being created with a stream disabled, UpdateViewType should not be specified",
            )?,
            _ => {}
        }
        check_sse(self.sse_specification.as_ref())?;
        self.check_on_demand(self.on_demand_throughput, "table")
    }

    fn is_billed_by_the_request(&self) -> bool {
        self.billing_mode == Some(BillingMode::PayPerRequest)
    }

    fn check_billing(&self) -> Checked {
        match (self.is_billed_by_the_request(), &self.provisioned_throughput) {
            (true, Some(_)) => invalid(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is \
                 PAY_PER_REQUEST",
            ),
            (false, None) => invalid(
                "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is \
                 PROVISIONED",
            ),
            (false, Some(throughput)) => check_throughput(throughput),
            (true, None) => Ok(()),
        }
    }

    fn check_keys(&self, definitions: &Definitions<'_>) -> Checked {
        // DynamoDB: so a name given twice is called undefined when there is no definition to spare.
        if self.key_schema.len() > self.attribute_definitions.len() {
            return refused("Invalid KeySchema: Some index key attribute have no definition");
        }
        definitions.check(&self.key_schema)?;
        check_short_key(&self.key_schema)?;
        let has_indexes = self.local_secondary_indexes.is_some() || self.global_secondary_indexes.is_some();
        // DynamoDB: ScyllaDB's `test_create_table_duplicate_attribute_name`, which runs against the service as well.
        if let (false, Some(twice)) = (has_indexes, definitions.twice) {
            return refused(format!("Attribute Name is duplicated: {twice}"));
        }
        if !has_indexes && self.key_schema.len() != self.attribute_definitions.len() {
            return invalid(
                "Number of attributes in KeySchema does not exactly match number of attributes defined in \
                 AttributeDefinitions",
            );
        }
        Ok(())
    }

    fn check_local_indexes<'a>(
        &'a self,
        indexes: &'a [LocalSecondaryIndex],
        definitions: &Definitions<'_>,
        names: &mut HashSet<&'a str>,
    ) -> Checked {
        if indexes.is_empty() {
            return invalid("List of LocalSecondaryIndexes is empty");
        }
        if self.key_schema.len() != 2 {
            return invalid(
                "Table KeySchema does not have a range key, which is required when specifying a \
                 LocalSecondaryIndex",
            );
        }
        for index in indexes {
            definitions.check(&index.key_schema)?;
            check_short_key(&index.key_schema)?;
            let name = &index.index_name;
            if index.key_schema.len() != 2 {
                return invalid(format_args!("Index KeySchema does not have a range key for index: {name}"));
            }
            let (own, table) = (&index.key_schema[0].attribute_name, &self.key_schema[0].attribute_name);
            if own != table {
                return invalid(format_args!(
                    "Index KeySchema does not have the same leading hash key as table KeySchema for index: \
                     {name}. index hash key: {own}, table hash key: {table}"
                ));
            }
            check_projection(&index.projection)?;
            check_new_name(name, names)?;
        }
        match indexes.len() {
            ..=LOCAL_INDEXES_MAX => Ok(()),
            _ => invalid("Number of LocalSecondaryIndexes exceeds per-table limit of 5"),
        }
    }

    fn check_global_indexes<'a>(
        &'a self,
        indexes: &'a [GlobalSecondaryIndex],
        definitions: &Definitions<'_>,
        names: &mut HashSet<&'a str>,
    ) -> Checked {
        if indexes.is_empty() {
            return invalid("List of GlobalSecondaryIndexes is empty");
        }
        for index in indexes {
            index.check_with(definitions)?;
            let name = &index.index_name;
            match (self.is_billed_by_the_request(), &index.provisioned_throughput) {
                (true, Some(_)) => invalid(format_args!(
                    "ProvisionedThroughput should not be specified for index: {name} when BillingMode is \
                     PAY_PER_REQUEST"
                ))?,
                (false, None) => {
                    invalid(format_args!("ProvisionedThroughput is not specified for index: {name}"))?;
                }
                (false, Some(throughput)) => check_throughput(throughput)?,
                (true, None) => {}
            }
            self.check_on_demand(index.on_demand_throughput, &format!("index : {name}"))?;
            check_new_name(name, names)?;
        }
        match indexes.len() {
            ..=GLOBAL_INDEXES_MAX => Ok(()),
            _ => invalid("GlobalSecondaryIndex count exceeds the per-table limit of 20"),
        }
    }

    /// DynamoDB: these words when there are indexes; see above for when there are none.
    fn check_all_defined_are_used(&self, definitions: &Definitions<'_>) -> Checked {
        if let Some(twice) = definitions.twice {
            return refused(format!("Attribute Name is duplicated: {twice}"));
        }
        let local = self.local_secondary_indexes.iter().flatten().map(|index| &index.key_schema);
        let global = self.global_secondary_indexes.iter().flatten().map(|index| &index.key_schema);
        let keys = std::iter::once(&self.key_schema).chain(local).chain(global).flatten();
        let mut seen = HashSet::new();
        let used: Vec<&str> =
            keys.map(|key| key.attribute_name.as_str()).filter(|name| seen.insert(*name)).collect();
        match definitions.names.iter().all(|name| seen.contains(name)) {
            true => Ok(()),
            false => invalid(format_args!(
                "Some AttributeDefinitions are not used. AttributeDefinitions: [{}], keys used: [{}]",
                definitions.names.join(", "),
                used.join(", ")
            )),
        }
    }

    /// DynamoDB: of what is bounded the first is named, and 1 is the least bound; an empty object is none
    /// (dynoxide, captured in July 2026).
    fn check_on_demand(&self, throughput: Option<OnDemandThroughput>, of: &str) -> Checked {
        for (member, bound) in throughput.into_iter().flat_map(bounds) {
            if !self.is_billed_by_the_request() {
                return invalid(format_args!(
                    "{member} for OnDemandThroughput cannot be specified when table BillingMode is \
                     PROVISIONED."
                ));
            }
            if bound < 1 {
                return invalid(format_args!(
                    "Requested {member} for OnDemandThroughput for {of} is outside of valid range"
                ));
            }
        }
        Ok(())
    }
}

/// What was bounded, reads first.
fn bounds(throughput: OnDemandThroughput) -> impl Iterator<Item = (&'static str, i64)> {
    let bounds = [
        ("MaxReadRequestUnits", throughput.max_read_request_units),
        ("MaxWriteRequestUnits", throughput.max_write_request_units),
    ];
    bounds.into_iter().filter_map(|(member, bound)| Some((member, bound?)))
}

impl OnDemandThroughput {
    /// What a table that is or will be billed by the request may be bounded by: 1 and more, or -1 to take a
    /// bound away.
    ///
    /// DynamoDB: `of` is `table` or `index : name`. Whether the table is billed by the request is asked
    /// before this: see [`OnDemandThroughput::check_billing`] (dynoxide, captured in July 2026).
    ///
    /// # Errors
    /// The first bound that is out of range.
    pub fn check_update(&self, of: &str) -> Result<(), ApiError> {
        match bounds(*self).find(|(_, bound)| *bound == 0 || *bound < -1) {
            Some((member, _)) => invalid(format_args!(
                "Requested {member} for OnDemandThroughput for {of} is outside of valid range"
            )),
            None => Ok(()),
        }
    }

    /// What is said of an UpdateTable that leaves the table in this mode.
    ///
    /// # Errors
    /// That a table which capacity is set aside for has no such bounds.
    pub fn check_billing(&self, mode: BillingMode) -> Result<(), ApiError> {
        match (mode, bounds(*self).next()) {
            (BillingMode::Provisioned, Some((member, _))) => invalid(format_args!(
                "{member} for OnDemandThroughput cannot be specified when the table BillingMode is \
                 PROVISIONED"
            )),
            _ => Ok(()),
        }
    }
}

impl GlobalSecondaryIndex {
    /// Its key and what it projects, whatever the table is. [`admit`](super::admit) asks this of the indexes
    /// of a new table.
    ///
    /// DynamoDB: of an index that is added to a table it is asked after the table was looked up, and with the
    /// definitions of the request alone, for they have to be in it (dynoxide, from captures).
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self, definitions: &[AttributeDefinition]) -> Result<(), ApiError> {
        self.check_with(&Definitions::of(definitions))
    }

    fn check_with(&self, definitions: &Definitions<'_>) -> Checked {
        definitions.check(&self.key_schema)?;
        check_long_key(&self.key_schema)?;
        check_projection(&self.projection)
    }
}

fn check_throughput(throughput: &ProvisionedThroughput) -> Checked {
    for (units, member) in [
        (throughput.read_capacity_units, "ReadCapacityUnits"),
        (throughput.write_capacity_units, "WriteCapacityUnits"),
    ] {
        if units > CAPACITY_UNITS_MAX {
            return refused(format!("Given value {units} for {member} is out of bounds"));
        }
    }
    Ok(())
}

/// The attributes that are defined, in the order of the request and to look them up: a request may have very
/// many, and very many keys.
struct Definitions<'a> {
    names: Vec<&'a str>,
    known: HashSet<&'a str>,
    /// What is defined twice, if anything.
    twice: Option<&'a str>,
}

impl<'a> Definitions<'a> {
    fn of(definitions: &'a [AttributeDefinition]) -> Definitions<'a> {
        let names: Vec<&str> = definitions.iter().map(|defined| defined.attribute_name.as_str()).collect();
        let mut known = HashSet::new();
        let mut twice = None;
        for name in &names {
            if !known.insert(*name) {
                twice = twice.or(Some(*name));
            }
        }
        Definitions { names, known, twice }
    }

    fn check(&self, keys: &[KeySchemaElement]) -> Checked {
        let keys: Vec<&str> = keys.iter().map(|key| key.attribute_name.as_str()).collect();
        match keys.iter().all(|key| self.known.contains(key)) {
            true => Ok(()),
            false => invalid(format_args!(
                "Some index key attributes are not defined in AttributeDefinitions. Keys: [{}], \
                 AttributeDefinitions: [{}]",
                keys.join(", "),
                self.names.join(", ")
            )),
        }
    }
}

/// Of a table or a local index: a partition key, perhaps a sort key.
fn check_short_key(keys: &[KeySchemaElement]) -> Checked {
    match keys {
        [first, second, ..] if first.attribute_name == second.attribute_name => {
            refused("Both the Hash Key and the Range Key element in the KeySchema have the same name")
        }
        [first, ..] if first.role != KeyRole::Partition => {
            refused("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
        }
        [_, second, ..] if second.role != KeyRole::Sort => {
            refused("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
        }
        _ => Ok(()),
    }
}

/// Of a global index: up to four attributes in either part.
fn check_long_key(keys: &[KeySchemaElement]) -> Checked {
    if let [first, second] = keys
        && first.attribute_name == second.attribute_name
    {
        return refused("Both the Hash Key and the Range Key element in the KeySchema have the same name");
    }
    let mut seen = HashSet::new();
    if !keys.iter().all(|key| seen.insert(&key.attribute_name)) {
        return refused("The KeySchema contains multiple key attributes with the same name");
    }
    if keys.first().is_some_and(|first| first.role != KeyRole::Partition) {
        return refused("Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
    }
    if keys.windows(2).any(|pair| pair[0].role == KeyRole::Sort && pair[1].role == KeyRole::Partition) {
        return invalid("All HASH key attributes must precede RANGE key attributes in the KeySchema");
    }
    for role in [KeyRole::Partition, KeyRole::Sort] {
        if keys.iter().filter(|key| key.role == role).count() > INDEX_KEY_ATTRIBUTES_MAX {
            return invalid(format_args!(
                "The KeySchema exceeds the maximum allowed number of {} key attributes",
                role.as_str()
            ));
        }
    }
    Ok(())
}

fn check_projection(projection: &Projection) -> Checked {
    let Some(kind) = projection.projection_type else {
        return invalid("Unknown ProjectionType: null");
    };
    match (kind, &projection.non_key_attributes) {
        (ProjectionType::Include, None) => {
            invalid("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
        }
        (ProjectionType::Include, Some(attributes)) => {
            let mut seen = HashSet::new();
            match attributes.iter().find(|name| !seen.insert(*name)) {
                Some(twice) => invalid(format_args!("Duplicate element in NonKeyAttributes: {twice}")),
                None => Ok(()),
            }
        }
        (kind, Some(_)) => {
            invalid(format_args!("ProjectionType is {}, but NonKeyAttributes is specified", kind.as_str()))
        }
        (_, None) => Ok(()),
    }
}

/// Attributes that are projected by name, over all indexes of a table; those of one index count beside those of
/// another.
///
/// DynamoDB: "user-specified secondary index attributes … across all of the local and global secondary indexes"
/// (developer guide, "Quotas in Amazon DynamoDB"); the words as a rule for CloudFormation quotes them
/// (`pf-dynamodb-projection-nonkey-total`).
///
/// # Errors
/// There are more than 100.
pub fn check_projected<'a>(projections: impl Iterator<Item = &'a Projection>) -> Result<(), ApiError> {
    let count: usize = projections.map(|one| one.non_key_attributes.as_ref().map_or(0, Vec::len)).sum();
    match count {
        0..=PROJECTED_ATTRIBUTES_MAX => Ok(()),
        _ => invalid(format_args!(
            "Number of projected attributes in all indexes exceeds limit of {PROJECTED_ATTRIBUTES_MAX}"
        )),
    }
}

fn check_new_name<'a>(name: &'a str, names: &mut HashSet<&'a str>) -> Checked {
    match names.insert(name) {
        true => Ok(()),
        false => invalid(format_args!("Duplicate index name: {name}")),
    }
}

fn check_sse(sse: Option<&SseSpecification>) -> Checked {
    let Some(sse) = sse else { return Ok(()) };
    let is_disabled = sse.enabled == Some(false);
    match (sse.sse_type, &sse.kms_master_key_id) {
        (Some(_), _) if is_disabled => invalid("SSEType can not be specified if Enabled is false"),
        (_, Some(_)) if is_disabled => invalid("KMSMasterKeyId can not be specified if Enabled is false"),
        (Some(SseType::Aes256), _) => invalid("SSEType AES256 is not supported"),
        (None, Some(_)) => invalid("SSEType KMS is required if KMSMasterKeyId is specified"),
        _ => Ok(()),
    }
}

impl UpdateTable {
    pub(super) fn check(&self) -> Checked {
        self.check_changes_something()?;
        self.check_billing()?;
        self.check_index_updates()?;
        match &self.stream_specification {
            Some(stream) if stream.stream_enabled && stream.stream_view_type.is_none() => {
                invalid("If stream is being enabled then UpdateViewType is required")?;
            }
            Some(stream) if !stream.stream_enabled && stream.stream_view_type.is_some() => {
                invalid("If stream is being disabled, then UpdateViewType must not be specified")?;
            }
            _ => {}
        }
        check_sse(self.sse_specification.as_ref())?;
        self.check_alone()
    }

    fn updates(&self) -> &[GlobalSecondaryIndexUpdate] {
        self.global_secondary_index_updates.as_deref().unwrap_or_default()
    }

    /// Which kinds of change it asks for; replicas and vectors count as one.
    fn changes(&self) -> [(Change, bool); 9] {
        [
            (Change::Throughput, self.provisioned_throughput.is_some() || self.billing_mode.is_some()),
            (Change::Indexes, !self.updates().is_empty()),
            (Change::Stream, self.stream_specification.is_some()),
            (Change::Encryption, self.sse_specification.is_some()),
            (Change::Class, self.table_class.is_some()),
            (Change::Protection, self.deletion_protection_enabled.is_some()),
            (Change::OnDemand, self.on_demand_throughput.is_some_and(|bounded| bounds(bounded).count() > 0)),
            (Change::Warm, self.warm_throughput.is_some()),
            (
                Change::Others,
                [
                    self.replica_updates,
                    self.multi_region_consistency,
                    self.global_table_witness_updates,
                    self.global_table_settings_replication_mode,
                    self.disassociation_protection_enabled,
                    self.vector_index_updates,
                ]
                .iter()
                .any(|present| present.0),
            ),
        ]
    }

    fn check_changes_something(&self) -> Checked {
        match self.changes().iter().any(|(_, is_asked)| *is_asked) {
            true => Ok(()),
            false => refused(
                "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, \
                 GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, \
                 ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, \
                 OnDemandThroughput, WarmThroughput or TableClass is required",
            ),
        }
    }

    fn check_billing(&self) -> Checked {
        match (self.billing_mode, &self.provisioned_throughput) {
            (Some(BillingMode::PayPerRequest), Some(_)) => invalid(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is \
                 PAY_PER_REQUEST",
            ),
            (Some(BillingMode::Provisioned), None) => {
                invalid("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
            }
            (_, Some(throughput)) => check_throughput(throughput),
            (_, None) => Ok(()),
        }
    }

    fn check_index_updates(&self) -> Checked {
        let mut names = HashSet::new();
        for update in self.updates() {
            let name = update.index_name();
            if !names.insert(name) {
                return invalid(format_args!(
                    "Only one global secondary index update per index is allowed simultaneously. Index: \
                     {name}"
                ));
            }
            let throughput = match update {
                GlobalSecondaryIndexUpdate::Create(index) => {
                    if self.attribute_definitions.is_none() {
                        return invalid(format_args!(
                            "AttributeDefinitions is not specified for index: {name}"
                        ));
                    }
                    &index.provisioned_throughput
                }
                GlobalSecondaryIndexUpdate::Update(update) => &update.provisioned_throughput,
                GlobalSecondaryIndexUpdate::Delete(_) => &None,
            };
            if let Some(throughput) = throughput {
                check_throughput(throughput)?;
            }
        }
        Ok(())
    }

    /// DynamoDB: some changes go with no other.
    fn check_alone(&self) -> Checked {
        let changes = self.changes();
        let asked: Vec<Change> =
            changes.iter().filter(|(_, is_asked)| *is_asked).map(|(change, _)| *change).collect();
        for (change, fault) in [
            (
                Change::Encryption,
                "Server-Side Encryption modification must be the only operation in the request",
            ),
            (Change::Class, "TableClass modification must be the only operation in the request"),
            (Change::Protection, "DeletionProtection modification must be the only operation in the request"),
        ] {
            if asked.contains(&change) && asked.len() > 1 {
                return invalid(fault);
            }
        }
        if asked.contains(&Change::OnDemand)
            && asked.iter().any(|other| !matches!(other, Change::OnDemand | Change::Throughput))
        {
            return invalid(
                "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request",
            );
        }
        let moves_an_index =
            self.updates().iter().any(|update| !matches!(update, GlobalSecondaryIndexUpdate::Update(_)));
        match (&self.provisioned_throughput, &self.stream_specification) {
            (Some(_), Some(_)) => invalid("You cannot modify stream status while updating table IOPS"),
            (Some(_), None) if moves_an_index => {
                invalid("You cannot create or delete index while updating table IOPS")
            }
            (None, Some(_)) if moves_an_index => {
                invalid("You cannot create or delete index while changing stream status")
            }
            _ => Ok(()),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Throughput,
    Indexes,
    Stream,
    Encryption,
    Class,
    Protection,
    OnDemand,
    Warm,
    Others,
}
