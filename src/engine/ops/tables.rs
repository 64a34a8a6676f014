//! `CreateTable`, `UpdateTable`, `DeleteTable`, `DescribeTable`, `ListTables`.
//!
//! DynamoDB takes seconds to minutes for what is done here at once: answers say `CREATING`, `UPDATING` and
//! `DELETING` all the same, since clients wait for what comes after.

use std::{ops::Bound, sync::Arc};

use model::{
    ApiError, ErrorCode, TableRef,
    call::{
        AttributeDefinition, BillingMode, CreateTable, DeleteTable, DescribeTable, GlobalSecondaryIndex,
        GlobalSecondaryIndexUpdate, ListTables, Present, SseSpecification, StreamSpecification, UpdateTable,
        check_projected,
    },
};
use serde::Serialize;
use store::Transaction;

use crate::{
    Core, EngineError,
    answer::json,
    catalog,
    description::{Status, TableDescription, describe},
    ops::billing,
    statistics, stream,
    table::{Definition, IndexDefinition, IndexKind, Table, Throughput},
    warm,
};

/// DynamoDB: the page size of ListTables, if none is asked for.
const LIST_LIMIT: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Changed<'a> {
    table_description: TableDescription<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described<'a> {
    table: TableDescription<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed<'a> {
    table_names: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_evaluated_table_name: Option<&'a str>,
}

impl Core {
    pub(crate) async fn create_table(
        self: &Arc<Self>,
        create: Box<CreateTable>,
    ) -> Result<Vec<u8>, EngineError> {
        refuse_unbuilt(&[
            ("GlobalTableSourceArn", create.global_table_source_arn),
            ("GlobalTableSettingsReplicationMode", create.global_table_settings_replication_mode),
            ("VectorIndexes", create.vector_indexes),
            ("ResourcePolicy", Present(create.resource_policy.is_some())),
        ])?;
        let id = self.new_id();
        let core = Arc::clone(self);
        let table = self
            .in_own_task(async move {
                let _held = core.changing_tables.lock().await;
                let origin = core.origin.clone();
                let make = move |tx: &mut Transaction<'_>| make(tx, &create, id, &origin);
                let table = Arc::new(core.commit(make).await?);
                core.catalog.publish(table.name(), Some(Arc::clone(&table)));
                Ok(table)
            })
            .await?;
        self.changed(&table, Status::Creating)
    }

    pub(crate) async fn update_table(
        self: &Arc<Self>,
        update: Box<UpdateTable>,
    ) -> Result<Vec<u8>, EngineError> {
        refuse_unbuilt(&[
            ("ReplicaUpdates", update.replica_updates),
            ("MultiRegionConsistency", update.multi_region_consistency),
            ("GlobalTableWitnessUpdates", update.global_table_witness_updates),
            ("GlobalTableSettingsReplicationMode", update.global_table_settings_replication_mode),
            ("DisassociationProtectionEnabled", update.disassociation_protection_enabled),
            ("VectorIndexUpdates", update.vector_index_updates),
        ])?;
        let name = bare_name(&update.table_name);
        let bounds = update.on_demand_throughput;
        let table = self.change_table(name, move |definition, tx| change(definition, tx, &update)).await?;
        self.go_on_filling_table(&table);
        let mut description = describe(&self.store.view(), &table, Status::Updating, self.now_millis())?;
        // DynamoDB: bounds that were taken away are still said to be -1 here (dynoxide, captured in July 2026).
        if let Some(bounds) = bounds {
            let known = table.definition.on_demand_throughput;
            description.on_demand_throughput = Some(known.unwrap_or_default().with(bounds));
        }
        Ok(json(&Changed { table_description: description }))
    }

    pub(crate) async fn delete_table(self: &Arc<Self>, delete: &DeleteTable) -> Result<Vec<u8>, EngineError> {
        let name = bare_name(&delete.table_name);
        let core = Arc::clone(self);
        let (table, answer) = self
            .in_own_task(async move {
                let _held = core.changing_tables.lock().await;
                let table =
                    core.catalog.find(&name).ok_or_else(|| EngineError::no_such_table_called(&name))?;
                if table.definition.is_protected {
                    return Err(EngineError::validation(
                        "Resource cannot be deleted as it is currently protected against deletion. Disable \
                         deletion protection first.",
                    ));
                }
                let answer = core.changed(&table, Status::Deleting)?;
                let dropped = Arc::clone(&table);
                let drop_it = move |tx: &mut Transaction<'_>| {
                    catalog::remove(tx, &dropped);
                    if let (Some(_), Some(latest)) = (dropped.changes, &dropped.definition.stream) {
                        stream::end(tx, dropped.name(), &latest.label)?;
                    }
                    for space in dropped.spaces() {
                        statistics::forget(tx, space);
                        tx.drop_space(space);
                    }
                    Ok::<_, EngineError>(())
                };
                core.commit(drop_it).await?;
                core.catalog.publish(table.name(), None);
                Ok((table, answer))
            })
            .await?;
        tracing::debug!(table = table.name(), "table deleted");
        Ok(answer)
    }

    pub(crate) fn describe_table(&self, asked: &DescribeTable) -> Result<Vec<u8>, EngineError> {
        let table = self.table_called(&asked.table_name)?;
        let is_filled = table.indexes.iter().all(|index| index.is_filled);
        let status = if is_filled { Status::Active } else { Status::Updating };
        Ok(json(&Described { table: describe(&self.store.view(), &table, status, self.now_millis())? }))
    }

    pub(crate) fn list_tables(&self, asked: &ListTables) -> Result<Vec<u8>, EngineError> {
        let tables = self.catalog.tables();
        let from = match asked.exclusive_start_table_name.as_deref() {
            Some(start) => Bound::Excluded(start),
            None => Bound::Unbounded,
        };
        let limit = asked.limit.map_or(LIST_LIMIT, |limit| limit as usize);
        let mut names = tables.range::<str, _>((from, Bound::Unbounded)).map(|(name, _)| name.as_str());
        let table_names: Vec<&str> = names.by_ref().take(limit).collect();
        let last = table_names.last().copied();
        Ok(json(&Listed { last_evaluated_table_name: names.next().and(last), table_names }))
    }

    /// Changes a table's row, and shows it to everybody.
    pub(crate) async fn change_table(
        self: &Arc<Self>,
        name: String,
        change: impl FnOnce(&mut Definition, &mut Transaction<'_>) -> Result<(), EngineError> + Send + 'static,
    ) -> Result<Arc<Table>, EngineError> {
        let core = Arc::clone(self);
        self.in_own_task(async move {
            let _held = core.changing_tables.lock().await;
            let origin = core.origin.clone();
            let rewrite = move |tx: &mut Transaction<'_>| {
                let table = catalog::read(tx, &name, &origin)?;
                let mut definition =
                    table.ok_or_else(|| EngineError::no_such_table_called(&name))?.definition;
                change(&mut definition, tx)?;
                let table =
                    Table::new(definition, tx.sequence(), &origin).ok_or(EngineError::CorruptRecord)?;
                catalog::write(tx, &table);
                Ok::<_, EngineError>(table)
            };
            let table = Arc::new(core.commit(rewrite).await?);
            core.catalog.publish(table.name(), Some(Arc::clone(&table)));
            Ok(table)
        })
        .await
    }

    /// Race: a client that hangs up drops what waits for its answer. A row that was written and is shown to
    /// nobody would leave every write of that table waiting for ever.
    pub(crate) async fn in_own_task<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Future<Output = Result<T, EngineError>> + Send + 'static,
    ) -> Result<T, EngineError> {
        match self.drain.spawn(work).await {
            Ok(outcome) => outcome,
            Err(ended) => std::panic::resume_unwind(ended.into_panic()),
        }
    }

    /// The table of this name or ARN, or the error that names it.
    pub(crate) fn table_called(&self, name_or_arn: &str) -> Result<Arc<Table>, EngineError> {
        let missing = || EngineError::no_such_table_called(&bare_name(name_or_arn));
        self.catalog.find(name_or_arn).ok_or_else(missing)
    }

    fn changed(&self, table: &Table, status: Status) -> Result<Vec<u8>, EngineError> {
        let table_description = describe(&self.store.view(), table, status, self.now_millis())?;
        Ok(json(&Changed { table_description }))
    }

    /// A random UUID (version 4), as the service's ids look.
    fn new_id(&self) -> String {
        let bytes = [self.chance.bits().to_be_bytes(), self.chance.bits().to_be_bytes()].concat();
        let bytes = bytes.try_into().expect("two words have sixteen bytes");
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}

/// The name without account and region.
pub(crate) fn bare_name(name_or_arn: &str) -> String {
    TableRef::parse(name_or_arn).map_or_else(|| name_or_arn.to_owned(), |table| table.bare_name().to_owned())
}

fn make(
    tx: &mut Transaction<'_>,
    create: &CreateTable,
    id: String,
    origin: &catalog::Origin,
) -> Result<Table, EngineError> {
    let name = bare_name(&create.table_name);
    if catalog::read(tx, &name, origin)?.is_some() {
        let message = format!("Table already exists: {name}");
        return Err(ApiError::client(ErrorCode::ResourceInUseException, message).into());
    }
    super::settings::check_tag_count(create.tags.as_deref().unwrap_or_default())?;
    let billing_mode = create.billing_mode.unwrap_or(BillingMode::Provisioned);
    let is_on_demand = billing_mode == BillingMode::PayPerRequest;
    let throughput = Throughput::of(create.provisioned_throughput);
    warm::check_first(create.warm_throughput, billing_mode, throughput.provisioned, "table")?;
    let mut indexes = Vec::new();
    for index in create.local_secondary_indexes.iter().flatten() {
        indexes.push(IndexDefinition {
            name: index.index_name.clone(),
            kind: IndexKind::Local,
            space: new_space(tx)?,
            key_schema: index.key_schema.clone(),
            projection: index.projection.clone(),
            throughput: Throughput::of(None),
            on_demand_throughput: None,
            warm_throughput: None,
            is_filled: true,
        });
    }
    for index in create.global_secondary_indexes.iter().flatten() {
        indexes.push(IndexDefinition { is_filled: true, ..global_index(tx, index, billing_mode)? });
    }
    let begin_stream = |specification| stream::begin(tx, &name, &create.key_schema, specification);
    let stream = create.stream_specification.map(begin_stream).transpose()?.flatten();
    let has_local_indexes = create.local_secondary_indexes.is_some();
    let definition = Definition {
        name,
        id,
        created_at: tx.commit_time(),
        space: new_space(tx)?,
        collections: if has_local_indexes { Some(new_space(tx)?) } else { None },
        key_schema: create.key_schema.clone(),
        attribute_definitions: create.attribute_definitions.clone(),
        billing_mode,
        on_demand_since: is_on_demand.then(|| tx.commit_time()),
        throughput,
        on_demand_throughput: create.on_demand_throughput,
        warm_throughput: create.warm_throughput,
        indexes,
        stream,
        sse: create.sse_specification.clone(),
        class: create.table_class,
        is_protected: create.deletion_protection_enabled == Some(true),
        tags: create.tags.clone().unwrap_or_default(),
        time_to_live: None,
        expiries: None,
    };
    let table = Table::new(definition, tx.sequence(), origin).ok_or(EngineError::CorruptRecord)?;
    catalog::write(tx, &table);
    Ok(table)
}

fn global_index(
    tx: &mut Transaction<'_>,
    index: &GlobalSecondaryIndex,
    mode: BillingMode,
) -> Result<IndexDefinition, EngineError> {
    let throughput = Throughput::of(index.provisioned_throughput);
    let of = format!("index {}", index.index_name);
    warm::check_first(index.warm_throughput, mode, throughput.provisioned, &of)?;
    Ok(IndexDefinition {
        name: index.index_name.clone(),
        kind: IndexKind::Global,
        space: new_space(tx)?,
        key_schema: index.key_schema.clone(),
        projection: index.projection.clone(),
        throughput,
        on_demand_throughput: index.on_demand_throughput,
        warm_throughput: index.warm_throughput,
        is_filled: false,
    })
}

pub(crate) fn new_space(tx: &mut Transaction<'_>) -> Result<u32, EngineError> {
    let space = catalog::next_space(tx)?;
    tx.create_space(space);
    Ok(space.0)
}

/// What would be lost if it were taken and not kept is refused.
fn refuse_unbuilt(members: &[(&str, Present)]) -> Result<(), EngineError> {
    match members.iter().find(|(_, present)| present.0) {
        None => Ok(()),
        Some((member, _)) => Err(EngineError::validation(format!(
            "{member} is not supported by the bundled engine of this version of linac."
        ))),
    }
}

fn change(
    definition: &mut Definition,
    tx: &mut Transaction<'_>,
    update: &UpdateTable,
) -> Result<(), EngineError> {
    if definition.indexes.iter().any(|index| !index.is_filled) {
        let message = format!(
            "Attempt to change a resource which is still in use: Table is being updated: {}",
            definition.name
        );
        return Err(ApiError::client(ErrorCode::ResourceInUseException, message).into());
    }
    billing::keep_warm(definition);
    billing::change_billing(definition, tx.commit_time(), update)?;
    billing::keep_warm(definition);
    if let Some(definitions) = &update.attribute_definitions {
        redefine(&mut definition.attribute_definitions, definitions);
    }
    for index in update.global_secondary_index_updates.iter().flatten() {
        change_index(definition, tx, index, update.attribute_definitions.as_deref().unwrap_or_default())?;
    }
    forget_unused(definition);
    if let Some(stream) = update.stream_specification {
        change_stream(definition, tx, stream)?;
    }
    if let Some(sse) = &update.sse_specification {
        check_encryption(definition.sse.as_ref(), sse)?;
        definition.sse = Some(sse.clone());
    }
    if let Some(class) = update.table_class {
        definition.class = Some(class);
    }
    if let Some(is_protected) = update.deletion_protection_enabled {
        definition.is_protected = is_protected;
    }
    if let Some(on_demand) = update.on_demand_throughput {
        on_demand.check_billing(definition.billing_mode)?;
        on_demand.check_update("table")?;
        definition.on_demand_throughput = billing::bounded(definition.on_demand_throughput, on_demand);
    }
    if let (Some(wanted), Some(current)) = (update.warm_throughput, definition.warm_throughput) {
        definition.warm_throughput = Some(warm::raise(current, wanted, "table")?);
    }
    Ok(())
}

/// DynamoDB: asking for what there is already is refused (ack-api-quirks, DDB-TABLE-442, captured in October 2026).
fn check_encryption(
    current: Option<&SseSpecification>,
    wanted: &SseSpecification,
) -> Result<(), EngineError> {
    let current = current.filter(|current| current.enabled == Some(true));
    match (current, wanted.enabled == Some(true)) {
        (None, false) => Err(EngineError::validation(
            "One or more parameter values were invalid: Table is already encrypted by default",
        )),
        (Some(current), true) if current.kms_master_key_id == wanted.kms_master_key_id => {
            Err(EngineError::validation(
                "One or more parameter values were invalid: Table is already encrypted with given KMSMasterKeyId. \
                 Use KMSMasterKeyId parameter if you want to change Master Key",
            ))
        }
        _ => Ok(()),
    }
}

fn redefine(known: &mut Vec<AttributeDefinition>, definitions: &[AttributeDefinition]) {
    for definition in definitions {
        if !known.iter().any(|known| known.attribute_name == definition.attribute_name) {
            known.push(definition.clone());
        }
    }
}

/// Only attributes of some key are described.
fn forget_unused(definition: &mut Definition) {
    let Definition { attribute_definitions, key_schema, indexes, .. } = definition;
    let keys = || key_schema.iter().chain(indexes.iter().flat_map(|index| &index.key_schema));
    attribute_definitions.retain(|known| keys().any(|key| key.attribute_name == known.attribute_name));
}

fn change_index(
    definition: &mut Definition,
    tx: &mut Transaction<'_>,
    update: &GlobalSecondaryIndexUpdate,
    definitions: &[AttributeDefinition],
) -> Result<(), EngineError> {
    let name = update.index_name();
    let place = definition.indexes.iter().position(|index| index.name == name);
    match (update, place) {
        (GlobalSecondaryIndexUpdate::Create(_), Some(_)) => {
            Err(EngineError::validation("Attempting to create an index which already exists"))
        }
        (GlobalSecondaryIndexUpdate::Create(index), None) => {
            index.check(definitions)?;
            let known = definition.indexes.iter().map(|index| &index.projection);
            check_projected(known.chain([&index.projection]))?;
            if definition.billing_mode == BillingMode::Provisioned && index.provisioned_throughput.is_none() {
                return Err(EngineError::validation(format!(
                    "One or more parameter values were invalid: ProvisionedThroughput must be specified for index: {name}"
                )));
            }
            let index = global_index(tx, index, definition.billing_mode)?;
            definition.indexes.push(index);
            Ok(())
        }
        (GlobalSecondaryIndexUpdate::Delete(_), Some(place))
            if definition.indexes[place].kind == IndexKind::Global =>
        {
            let index = definition.indexes.remove(place);
            let space = store::Space(index.space);
            statistics::forget(tx, space);
            tx.drop_space(space);
            Ok(())
        }
        (GlobalSecondaryIndexUpdate::Update(update), Some(place)) => {
            let mode = definition.billing_mode;
            billing::change_index(&mut definition.indexes[place], mode, tx.commit_time(), update)
        }
        (GlobalSecondaryIndexUpdate::Delete(_) | GlobalSecondaryIndexUpdate::Update(_), _) => {
            Err(EngineError::no_such_table())
        }
    }
}

fn change_stream(
    definition: &mut Definition,
    tx: &mut Transaction<'_>,
    wanted: StreamSpecification,
) -> Result<(), EngineError> {
    let enabled = definition.stream.as_ref().filter(|stream| stream.specification.stream_enabled);
    match (wanted.stream_enabled, enabled.is_some()) {
        (true, true) => Err(EngineError::validation(
            "Table already has an enabled stream: TableName: ".to_owned() + &definition.name,
        )),
        (false, false) => Err(EngineError::validation(
            "Table has no stream to disable: TableName: ".to_owned() + &definition.name,
        )),
        (true, false) => {
            definition.stream = stream::begin(tx, &definition.name, &definition.key_schema, wanted)?;
            Ok(())
        }
        (false, true) => {
            if let Some(stream) = &mut definition.stream {
                stream.specification.stream_enabled = false;
                stream::end(tx, &definition.name, &stream.label)?;
            }
            Ok(())
        }
    }
}
