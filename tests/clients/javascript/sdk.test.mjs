// An application of the AWS SDK for JavaScript: its client, and the document client on top of it.
// Nothing in it knows what it talks to; the SDK takes endpoint, region and credentials from the environment.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import * as bare from "@aws-sdk/client-dynamodb";
import * as lib from "@aws-sdk/lib-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";

// One attempt: a retry would hide an answer that the test should see.
const client = new bare.DynamoDBClient({ maxAttempts: 1 });
const documents = lib.DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
const patience = { client, maxWaitTime: 20, minDelay: 0.05, maxDelay: 0.2 };

const ORDERS = {
  TableName: "orders",
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [
    { AttributeName: "customer", AttributeType: "S" },
    { AttributeName: "placed", AttributeType: "N" },
    { AttributeName: "state", AttributeType: "S" },
  ],
  KeySchema: [
    { AttributeName: "customer", KeyType: "HASH" },
    { AttributeName: "placed", KeyType: "RANGE" },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: "by-state",
      KeySchema: [
        { AttributeName: "state", KeyType: "HASH" },
        { AttributeName: "placed", KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: "KEYS_ONLY" },
    },
  ],
};

const order = (customer, placed, more = {}) => ({
  customer,
  placed,
  state: placed % 2 ? "open" : "paid",
  cents: placed * 10,
  ...more,
});

const put = (Item, more = {}) => documents.send(new lib.PutCommand({ TableName: "orders", Item, ...more }));
const get = (customer, placed, more = {}) =>
  documents.send(new lib.GetCommand({ TableName: "orders", Key: { customer, placed }, ...more }));
const update = (customer, placed, more) =>
  documents.send(new lib.UpdateCommand({ TableName: "orders", Key: { customer, placed }, ...more }));

// Reads twice: the second answer may come from a cache, and must be the same.
async function found(customer, placed) {
  const first = (await get(customer, placed)).Item;
  assert.deepEqual((await get(customer, placed)).Item, first);
  return first;
}

// A paginator leaves the last key in the request that it is given: each takes a copy.
async function everyPage(paginate, request, pageSize, of = documents) {
  const all = [];
  for await (const page of paginate({ client: of, pageSize }, { ...request })) all.push(page);
  return all;
}

async function fill(customer, count) {
  const puts = Array.from({ length: count }, (_, placed) => ({ PutRequest: { Item: order(customer, placed) } }));
  for (let from = 0; from < count; from += 25) {
    const RequestItems = { orders: puts.slice(from, from + 25) };
    const answer = await documents.send(new lib.BatchWriteCommand({ RequestItems }));
    assert.deepEqual(answer.UnprocessedItems, {});
  }
}

before(async () => {
  await client.send(new bare.CreateTableCommand(ORDERS));
  await bare.waitUntilTableExists(patience, { TableName: "orders" });
});

after(async () => {
  await client.send(new bare.DeleteTableCommand({ TableName: "orders" }));
  await bare.waitUntilTableNotExists(patience, { TableName: "orders" });
  client.destroy();
});

test("tables", async () => {
  const names = ["orders"];
  for (const TableName of ["a-first", "b-second", "z-last"]) {
    await client.send(new bare.CreateTableCommand({ ...ORDERS, TableName }));
    await bare.waitUntilTableExists(patience, { TableName });
    names.push(TableName);
  }
  const pages = await everyPage(bare.paginateListTables, {}, 1, client);
  assert.deepEqual(pages.flatMap((page) => page.TableNames), [...names].sort());
  assert.ok(pages.every((page) => page.TableNames.length <= 1));

  const { Table } = await client.send(new bare.DescribeTableCommand({ TableName: "orders" }));
  assert.equal(Table.TableStatus, "ACTIVE");
  assert.deepEqual(Table.KeySchema, ORDERS.KeySchema);
  assert.equal(Table.GlobalSecondaryIndexes[0].IndexStatus, "ACTIVE");
  assert.ok(Table.CreationDateTime instanceof Date);
  assert.ok(Math.abs(Date.now() - Table.CreationDateTime) < 600_000);

  const Tags = [{ Key: "team", Value: "books" }];
  await client.send(new bare.TagResourceCommand({ ResourceArn: Table.TableArn, Tags }));
  const tagged = await client.send(new bare.ListTagsOfResourceCommand({ ResourceArn: Table.TableArn }));
  assert.deepEqual(tagged.Tags, Tags);

  for (const TableName of names.slice(1)) {
    await client.send(new bare.DeleteTableCommand({ TableName }));
    await bare.waitUntilTableNotExists(patience, { TableName });
  }
  assert.deepEqual((await client.send(new bare.ListTablesCommand({}))).TableNames, ["orders"]);
});

test("attribute types", async () => {
  const item = order("types", 1, {
    binary: Uint8Array.from({ length: 256 }, (_, byte) => byte),
    binaries: new Set([Uint8Array.of(1), Uint8Array.of(255, 0)]),
    empty: "",
    flags: [true, false, null],
    letters: new Set(["b", "ä"]),
    map: { "a.b": { deep: [1, [2, { three: 3 }]] }, nothing: {} },
    numbers: new Set([3, -1, 2.5]),
    skipped: undefined,
    text: 'quoted "ümlaut" \\ \n 🚲',
  });
  await put(item);
  const { skipped, ...kept } = item;
  assert.deepEqual(await found("types", 1), kept);

  const precise = "1234567890.1234567890123456789012345678";
  await put(order("types", 2, { precise: lib.NumberValue.from(precise), big: 2n ** 80n }));
  const Key = marshall({ customer: "types", placed: 2 });
  const raw = await client.send(new bare.GetItemCommand({ TableName: "orders", Key }));
  assert.deepEqual(raw.Item.precise, { N: precise });
  const wrapped = unmarshall(raw.Item, { wrapNumbers: true });
  assert.equal(wrapped.precise.value, precise);
  assert.equal(BigInt(wrapped.big.value), 2n ** 80n);
});

test("conditions", async () => {
  const absent = { ConditionExpression: "attribute_not_exists(customer)" };
  assert.equal(await found("conditions", 1), undefined);
  await put(order("conditions", 1), absent);
  await assert.rejects(put(order("conditions", 1, { note: "second" }), absent), (error) => {
    assert.ok(error instanceof bare.ConditionalCheckFailedException);
    assert.equal(error.message, "The conditional request failed");
    assert.equal(error.$metadata.httpStatusCode, 400);
    assert.equal(error.Item, undefined);
    return true;
  });
  const pay = {
    UpdateExpression: "SET #s = :paid",
    ConditionExpression: "#s = :open AND cents BETWEEN :low AND :high",
    ExpressionAttributeNames: { "#s": "state" },
    ExpressionAttributeValues: { ":paid": "paid", ":open": "open", ":low": 5, ":high": 10 },
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
  await update("conditions", 1, pay);
  const paid = order("conditions", 1, { state: "paid" });
  assert.deepEqual(await found("conditions", 1), paid);
  await assert.rejects(update("conditions", 1, pay), (error) => {
    assert.deepEqual(unmarshall(error.Item), paid);
    return error instanceof bare.ConditionalCheckFailedException;
  });
});

test("updates", async () => {
  const first = await update("updates", 1, {
    UpdateExpression: "SET #l = list_append(if_not_exists(#l, :none), :l), a.b = :b ADD seen :one, tags :tag",
    ExpressionAttributeNames: { "#l": "log" },
    ExpressionAttributeValues: { ":none": [], ":l": ["one"], ":b": 1, ":one": 1, ":tag": new Set(["x"]) },
    ReturnValues: "ALL_NEW",
  }).catch((error) => error);
  assert.equal(first.name, "ValidationException");
  assert.equal(first.message, "The document path provided in the update expression is invalid for update");
  const append = (text) => ({
    UpdateExpression: "SET #l = list_append(if_not_exists(#l, :none), :l) ADD seen :one, tags :tag",
    ExpressionAttributeNames: { "#l": "log" },
    ExpressionAttributeValues: { ":none": [], ":l": [text], ":one": 1, ":tag": new Set([text]) },
    ReturnValues: "UPDATED_NEW",
  });
  assert.deepEqual((await update("updates", 1, append("one"))).Attributes, {
    log: ["one"],
    seen: 1,
    tags: new Set(["one"]),
  });
  assert.deepEqual((await found("updates", 1)).log, ["one"]);
  await update("updates", 1, append("two"));
  const { Attributes } = await update("updates", 1, {
    UpdateExpression: "REMOVE #l[0] DELETE tags :tags SET seen = seen - :half",
    ExpressionAttributeNames: { "#l": "log" },
    ExpressionAttributeValues: { ":tags": new Set(["one", "never"]), ":half": 0.5 },
    ReturnValues: "ALL_NEW",
  });
  assert.deepEqual(Attributes, { customer: "updates", placed: 1, log: ["two"], seen: 1.5, tags: new Set(["two"]) });
  assert.deepEqual(await found("updates", 1), Attributes);
  const old = await documents.send(
    new lib.DeleteCommand({
      TableName: "orders",
      Key: { customer: "updates", placed: 1 },
      ReturnValues: "ALL_OLD",
    }),
  );
  assert.deepEqual(old.Attributes, Attributes);
  assert.equal(await found("updates", 1), undefined);
});

test("queries", async () => {
  await fill("queries", 12);
  const of = {
    TableName: "orders",
    KeyConditionExpression: "customer = :c AND placed >= :from",
    ExpressionAttributeValues: { ":c": "queries", ":from": 2 },
  };
  const pages = await everyPage(lib.paginateQuery, of, 4);
  assert.deepEqual(pages.map((page) => page.Count), [4, 4, 2]);
  const expected = Array.from({ length: 10 }, (_, place) => order("queries", place + 2));
  assert.deepEqual(pages.flatMap((page) => page.Items), expected);

  const backwards = await documents.send(
    new lib.QueryCommand({ ...of, ScanIndexForward: false, Limit: 3, ProjectionExpression: "placed" }),
  );
  assert.deepEqual(backwards.Items, [{ placed: 11 }, { placed: 10 }, { placed: 9 }]);
  assert.deepEqual(backwards.LastEvaluatedKey, { customer: "queries", placed: 9 });

  const filtered = await documents.send(
    new lib.QueryCommand({
      ...of,
      FilterExpression: "#s = :open AND NOT contains(cents, :from)",
      ExpressionAttributeNames: { "#s": "state" },
      ExpressionAttributeValues: { ...of.ExpressionAttributeValues, ":open": "open" },
      Select: "COUNT",
    }),
  );
  assert.deepEqual([filtered.Count, filtered.ScannedCount, filtered.Items], [5, 10, undefined]);

  await put(order("queries", 50, { state: "lost" }));
  await put(order("queries", 40, { state: "lost" }));
  const byState = await documents.send(
    new lib.QueryCommand({
      TableName: "orders",
      IndexName: "by-state",
      KeyConditionExpression: "#s = :lost",
      ExpressionAttributeNames: { "#s": "state" },
      ExpressionAttributeValues: { ":lost": "lost" },
      ReturnConsumedCapacity: "INDEXES",
    }),
  );
  assert.deepEqual(byState.Items, [
    { customer: "queries", placed: 40, state: "lost" },
    { customer: "queries", placed: 50, state: "lost" },
  ]);
  assert.equal(byState.ConsumedCapacity.GlobalSecondaryIndexes["by-state"].CapacityUnits, 0.5);
});

test("scans", async () => {
  await fill("scans-a", 15);
  await fill("scans-b", 15);
  const ours = {
    TableName: "orders",
    FilterExpression: "begins_with(customer, :ours)",
    ExpressionAttributeValues: { ":ours": "scans-" },
  };
  const paged = await everyPage(lib.paginateScan, ours, 7);
  assert.ok(paged.length > 4);
  assert.ok(paged.every((page) => page.ScannedCount <= 7));
  const byKey = (a, b) => a.customer.localeCompare(b.customer) || a.placed - b.placed;
  const expected = ["scans-a", "scans-b"].flatMap((name) =>
    Array.from({ length: 15 }, (_, placed) => order(name, placed)),
  );
  assert.deepEqual(paged.flatMap((page) => page.Items).sort(byKey), expected);
  const segments = await Promise.all(
    [0, 1, 2].map((Segment) =>
      everyPage(lib.paginateScan, { ...ours, Segment, TotalSegments: 3 }, 5),
    ),
  );
  assert.deepEqual(segments.flat().flatMap((page) => page.Items).sort(byKey), expected);
});

test("batches", async () => {
  await fill("batches", 25);
  const keys = [0, 7, 24, 99].map((placed) => ({ customer: "batches", placed }));
  const read = async () => {
    const RequestItems = { orders: { Keys: keys, ProjectionExpression: "placed, cents" } };
    const answer = await documents.send(new lib.BatchGetCommand({ RequestItems }));
    assert.deepEqual(answer.UnprocessedKeys, {});
    return answer.Responses.orders.sort((a, b) => a.placed - b.placed);
  };
  const there = [0, 7, 24].map((placed) => ({ placed, cents: placed * 10 }));
  assert.deepEqual(await read(), there);
  assert.deepEqual(await read(), there);
  await documents.send(
    new lib.BatchWriteCommand({
      RequestItems: {
        orders: [
          { DeleteRequest: { Key: keys[0] } },
          { PutRequest: { Item: order("batches", 7, { cents: 1 }) } },
        ],
      },
    }),
  );
  assert.deepEqual(await read(), [{ placed: 7, cents: 1 }, there[2]]);
});

test("transactions", async () => {
  const TableName = "orders";
  const first = order("transactions", 1);
  await put(first);
  const pay = (placed, expected) => ({
    Update: {
      TableName,
      Key: { customer: "transactions", placed },
      UpdateExpression: "SET #s = :to ADD version :one",
      ConditionExpression: "#s = :from",
      ExpressionAttributeNames: { "#s": "state" },
      ExpressionAttributeValues: { ":to": "paid", ":from": expected, ":one": 1 },
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    },
  });
  const write = (TransactItems, more = {}) =>
    documents.send(new lib.TransactWriteCommand({ TransactItems, ...more }));
  const both = [pay(1, "open"), { Put: { TableName, Item: order("transactions", 2) } }];
  await write(both, { ClientRequestToken: "once-only" });
  await write(both, { ClientRequestToken: "once-only" });
  const paid = { ...first, state: "paid", version: 1 };
  assert.deepEqual(await found("transactions", 1), paid);
  await assert.rejects(write([both[0]], { ClientRequestToken: "once-only" }), {
    name: "IdempotentParameterMismatchException",
  });
  await assert.rejects(write([{ Put: { TableName, Item: order("transactions", 3) } }, pay(1, "open")]), (error) => {
    assert.ok(error instanceof bare.TransactionCanceledException);
    assert.deepEqual(error.CancellationReasons.map((reason) => reason.Code), ["None", "ConditionalCheckFailed"]);
    // The document client translates no errors.
    assert.deepEqual(unmarshall(error.CancellationReasons[1].Item), paid);
    return true;
  });
  const reads = [1, 3, 2].map((placed) => ({ Get: { TableName, Key: { customer: "transactions", placed } } }));
  const answer = await documents.send(new lib.TransactGetCommand({ TransactItems: reads }));
  assert.deepEqual(answer.Responses.map(({ Item }) => Item), [paid, undefined, order("transactions", 2)]);
});

test("errors", async () => {
  const nobody = new bare.DescribeTableCommand({ TableName: "nobody" });
  await assert.rejects(client.send(nobody), (error) => {
    assert.ok(error instanceof bare.ResourceNotFoundException);
    assert.equal(error.message, "Requested resource not found: Table: nobody not found");
    assert.match(error.$metadata.requestId, /^[0-9A-Z]{52}$/);
    return true;
  });
  await assert.rejects(client.send(new bare.CreateTableCommand(ORDERS)), bare.ResourceInUseException);
  await assert.rejects(get("errors", "not a number"), (error) => {
    assert.equal(error.name, "ValidationException");
    assert.equal(error.message, "The provided key element does not match the schema");
    return true;
  });
});
