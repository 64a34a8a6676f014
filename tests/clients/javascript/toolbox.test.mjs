// An application of DynamoDB-Toolbox: a shop's stock, with computed keys, an index, batches and transactions.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import * as bare from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import {
  $add,
  $append,
  $remove,
  BatchGetCommand,
  BatchGetRequest,
  BatchPutRequest,
  BatchWriteCommand,
  ConditionCheck,
  DeleteItemCommand,
  Entity,
  GetItemCommand,
  GetTransaction,
  PutItemCommand,
  PutTransaction,
  QueryCommand,
  ScanCommand,
  Table,
  UpdateItemCommand,
  UpdateTransaction,
  binary,
  executeBatchGet,
  executeBatchWrite,
  executeTransactGet,
  executeTransactWrite,
  isConditionCheckFailed,
  isTransactionCancelled,
  item,
  list,
  map,
  number,
  set,
  string,
} from "dynamodb-toolbox";

const sdk = new bare.DynamoDBClient({ maxAttempts: 1 });
const patience = { client: sdk, maxWaitTime: 20, minDelay: 0.05, maxDelay: 0.2 };

const stock = new Table({
  documentClient: DynamoDBDocumentClient.from(sdk, { marshallOptions: { removeUndefinedValues: true } }),
  name: "stock",
  partitionKey: { name: "pk", type: "string" },
  sortKey: { name: "sk", type: "string" },
  indexes: {
    byCents: {
      type: "global",
      partitionKey: { name: "shelf", type: "string" },
      sortKey: { name: "cents", type: "number" },
    },
  },
});

const Product = new Entity({
  name: "Product",
  table: stock,
  schema: item({
    shop: string().key(),
    sku: number().key(),
    shelf: string().default("front"),
    cents: number(),
    left: number().default(1).savedAs("n"),
    tags: set(string()).optional(),
    parts: list(map({ name: string(), count: number() })).optional(),
    photo: binary().optional(),
  }),
  computeKey: ({ shop, sku }) => ({ pk: `SHOP#${shop}`, sk: `SKU#${String(sku).padStart(5, "0")}` }),
});

const product = (shop, sku, more = {}) => ({ shop, sku, shelf: "front", cents: sku * 100, left: 1, ...more });
// What the application put there, without when, which the mapper adds.
const own = ({ created, modified, ...rest } = {}) => {
  assert.deepEqual([typeof created, typeof modified], ["string", "string"]);
  return rest;
};
const get = async (key) => (await Product.build(GetItemCommand).key(key).send()).Item;
const update = (item, options = {}) => Product.build(UpdateItemCommand).item(item).options(options).send();

before(async () => {
  const attribute = (AttributeName, AttributeType) => ({ AttributeName, AttributeType });
  const keys = (hash, range) => [
    { AttributeName: hash, KeyType: "HASH" },
    { AttributeName: range, KeyType: "RANGE" },
  ];
  await sdk.send(
    new bare.CreateTableCommand({
      TableName: "stock",
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [...["pk", "sk", "shelf"].map((name) => attribute(name, "S")), attribute("cents", "N")],
      KeySchema: keys("pk", "sk"),
      GlobalSecondaryIndexes: [
        { IndexName: "byCents", KeySchema: keys("shelf", "cents"), Projection: { ProjectionType: "ALL" } },
      ],
    }),
  );
  await bare.waitUntilTableExists(patience, { TableName: "stock" });
});

after(async () => {
  await sdk.send(new bare.DeleteTableCommand({ TableName: "stock" }));
  await bare.waitUntilTableNotExists(patience, { TableName: "stock" });
  sdk.destroy();
});

test("an entity's life", async () => {
  const key = { shop: "life", sku: 1 };
  const made = product("life", 1, {
    tags: new Set(["new", "red"]),
    parts: [{ name: "screw", count: 4 }],
    photo: Uint8Array.of(0, 1, 255),
  });
  assert.equal(await get(key), undefined);
  const put = Product.build(PutItemCommand).item(made).options({ condition: { attr: "sku", exists: false } });
  await put.send();
  assert.deepEqual(own(await get(key)), made);
  assert.deepEqual(own(await get(key)), made);
  await assert.rejects(put.send(), isConditionCheckFailed);

  const { Attributes } = await update(
    {
      ...key,
      left: $add(3),
      tags: $add(new Set(["old"])),
      parts: $append([{ name: "nut", count: 4 }]),
      photo: $remove(),
    },
    { condition: { and: [{ attr: "cents", between: [50, 150] }, { attr: "left", eq: 1 }] }, returnValues: "ALL_NEW" },
  );
  const { photo, ...kept } = made;
  const changed = {
    ...kept,
    left: 4,
    tags: new Set(["new", "old", "red"]),
    parts: [...made.parts, { name: "nut", count: 4 }],
  };
  assert.deepEqual(own(Attributes), changed);
  assert.deepEqual(own(await get(key)), changed);
  await assert.rejects(update({ ...key, left: 0 }, { condition: { attr: "left", lt: 4 } }), isConditionCheckFailed);
  const gone = await Product.build(DeleteItemCommand).key(key).options({ returnValues: "ALL_OLD" }).send();
  assert.deepEqual(own(gone.Attributes), changed);
  assert.equal(await get(key), undefined);
});

test("queries and batches", async () => {
  const all = Array.from({ length: 24 }, (_, sku) => product("many", sku, { shelf: sku % 2 ? "odd" : "even" }));
  const puts = all.map((one) => Product.build(BatchPutRequest).item(one));
  await executeBatchWrite(stock.build(BatchWriteCommand).requests(...puts));

  const query = (of, options) => stock.build(QueryCommand).query(of).entities(Product).options(options).send();
  const first = await query({ partition: "SHOP#many" }, { limit: 10 });
  const rest = await query({ partition: "SHOP#many" }, { exclusiveStartKey: first.LastEvaluatedKey, maxPages: 9 });
  assert.deepEqual([...first.Items, ...rest.Items].map(own), all);
  const range = { gte: "SKU#00020" };
  const filters = { Product: { attr: "cents", gt: 2000 } };
  const filtered = await query({ partition: "SHOP#many", range }, { filters, reverse: true });
  assert.deepEqual(filtered.Items.map(({ sku }) => sku), [23, 22, 21]);
  const dear = await query({ index: "byCents", partition: "odd", range: { gt: 1500 } }, {});
  assert.deepEqual(dear.Items.map(({ sku }) => sku), [17, 19, 21, 23]);
  const scan = await stock.build(ScanCommand).entities(Product).options({ limit: 5, maxPages: 9 }).send();
  assert.equal(scan.Items.filter(({ shop }) => shop === "many").length, 24);

  const keys = [5, 77, 3].map((sku) => Product.build(BatchGetRequest).key({ shop: "many", sku }));
  const batch = await executeBatchGet(stock.build(BatchGetCommand).requests(...keys));
  assert.deepEqual(batch.Responses[0].map((found) => found?.sku), [5, undefined, 3]);
});

test("transactions", async () => {
  const here = { shop: "together", sku: 1 };
  await Product.build(PutItemCommand).item(product("together", 1)).send();
  const sell = () =>
    executeTransactWrite(
      { clientRequestToken: undefined },
      Product.build(UpdateTransaction)
        .item({ ...here, left: $add(-1) })
        .options({ condition: { attr: "left", gte: 1 } }),
      Product.build(PutTransaction).item(product("together", 2)),
      Product.build(ConditionCheck).key({ shop: "together", sku: 3 }).condition({ attr: "sku", exists: false }),
    );
  await sell();
  assert.equal((await get(here)).left, 0);
  await assert.rejects(sell(), (error) => {
    assert.deepEqual(error.CancellationReasons.map(({ Code }) => Code), ["ConditionalCheckFailed", "None", "None"]);
    return isTransactionCancelled(error);
  });
  const gets = [1, 2, 3].map((sku) => Product.build(GetTransaction).key({ shop: "together", sku }));
  const { Responses } = await executeTransactGet(...gets);
  assert.deepEqual(Responses.map(({ Item }) => Item?.left), [0, 1, undefined]);
});
