//! The table of orders, and how the application reads and writes it.

use std::{collections::HashMap, env, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    client::Waiters,
    config::{BehaviorVersion, Config, Credentials, Region, retry::RetryConfig},
    operation::create_table::builders::CreateTableFluentBuilder,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
        Projection, ProjectionType, PutRequest, ScalarAttributeType, WriteRequest,
    },
};
use aws_smithy_http_client::Builder;

/// The table that the tests share; each has a customer of its own.
pub const ORDERS: &str = "orders";
/// Finds the orders of a state by when they were placed.
pub const BY_STATE: &str = "by-state";

pub type Item = HashMap<String, AttributeValue>;

/// The application's way to its table.
#[derive(Clone)]
pub struct Shop {
    pub client: Client,
}

impl Shop {
    /// Where the environment says, as the SDK's own loader of settings would have it.
    pub fn from_env() -> Self {
        let setting = |name| env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
        let (id, secret) = (setting("AWS_ACCESS_KEY_ID"), setting("AWS_SECRET_ACCESS_KEY"));
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(setting("AWS_ENDPOINT_URL_DYNAMODB"))
            .region(Region::new(setting("AWS_REGION")))
            .credentials_provider(Credentials::new(id, secret, None, None, "environment"))
            // A retry would hide an answer that the test should see.
            .retry_config(RetryConfig::disabled())
            .http_client(Builder::new().build_http())
            .build();
        Self { client: Client::from_conf(config) }
    }

    pub fn definition(&self, table: &str) -> CreateTableFluentBuilder {
        let by_state = GlobalSecondaryIndex::builder()
            .index_name(BY_STATE)
            .set_key_schema(Some(keys("state", "placed")))
            .projection(Projection::builder().projection_type(ProjectionType::All).build());
        self.client
            .create_table()
            .table_name(table)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute("customer", ScalarAttributeType::S))
            .attribute_definitions(attribute("placed", ScalarAttributeType::N))
            .attribute_definitions(attribute("state", ScalarAttributeType::S))
            .set_key_schema(Some(keys("customer", "placed")))
            .global_secondary_indexes(by_state.build().unwrap())
    }

    pub async fn create_table(&self, table: &str) {
        self.definition(table).send().await.unwrap();
        let waiter = self.client.wait_until_table_exists().table_name(table);
        waiter.wait(Duration::from_secs(20)).await.unwrap();
    }

    pub async fn delete_table(&self, table: &str) {
        self.client.delete_table().table_name(table).send().await.unwrap();
        let waiter = self.client.wait_until_table_not_exists().table_name(table);
        waiter.wait(Duration::from_secs(20)).await.unwrap();
    }

    pub async fn put(&self, item: &Item) {
        let put = self.client.put_item().table_name(ORDERS).set_item(Some(item.clone()));
        put.send().await.unwrap();
    }

    /// Reads twice: the second answer may come from a cache, and must be the same.
    pub async fn found(&self, customer: &str, placed: usize) -> Option<Item> {
        let get = self.client.get_item().table_name(ORDERS).set_key(Some(key(customer, placed)));
        let first = get.clone().send().await.unwrap().item;
        assert_eq!(get.send().await.unwrap().item, first);
        first
    }

    /// Puts the customer's first orders, and returns them.
    pub async fn fill(&self, customer: &str, count: usize) -> Vec<Item> {
        let all: Vec<Item> = (0..count).map(|placed| order(customer, placed)).collect();
        for batch in all.chunks(25) {
            let puts = batch.iter().map(|item| {
                let put = PutRequest::builder().set_item(Some(item.clone())).build().unwrap();
                WriteRequest::builder().put_request(put).build()
            });
            let write = self.client.batch_write_item().request_items(ORDERS, puts.collect());
            let answer = write.send().await.unwrap();
            assert_eq!(answer.unprocessed_items, Some(HashMap::new()));
        }
        all
    }
}

pub fn keys(hash: &str, sort: &str) -> Vec<KeySchemaElement> {
    let element = |name, of| KeySchemaElement::builder().attribute_name(name).key_type(of).build().unwrap();
    vec![element(hash, KeyType::Hash), element(sort, KeyType::Range)]
}

fn attribute(name: &str, of: ScalarAttributeType) -> AttributeDefinition {
    AttributeDefinition::builder().attribute_name(name).attribute_type(of).build().unwrap()
}

pub fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub fn key(customer: &str, placed: usize) -> Item {
    item([("customer", s(customer)), ("placed", n(placed))])
}

pub fn order(customer: &str, placed: usize) -> Item {
    let state = if placed % 2 == 1 { "open" } else { "paid" };
    let mut order = key(customer, placed);
    order.extend(item([("state", s(state)), ("cents", n(placed * 10))]));
    order
}

pub fn with(mut order: Item, name: &str, value: AttributeValue) -> Item {
    order.insert(name.to_owned(), value);
    order
}

/// When it was placed: what answers are put in order by.
pub fn placed(item: &Item) -> u32 {
    item["placed"].as_n().unwrap().parse().unwrap()
}
