// An application of one of DAX's clients; the argument says for which SDK.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";

import { open, orderKey } from "./dax-clients.mjs";

const { bare, documents, http, setOf, membersOf, close } = await open(process.argv[2]);
after(close);

const TableName = "orders";
const order = (customer, placed, more = {}) => ({
  customer,
  placed,
  state: placed % 2 ? "open" : "paid",
  cents: placed * 10,
  ...more,
});
const range = (from, to) => Array.from({ length: to - from }, (_, n) => from + n);

const put = (Item, more = {}) => documents.put({ TableName, Item, ...more });
const update = (customer, placed, more) => documents.update({ TableName, Key: { customer, placed }, ...more });

// Reads twice: the second answer comes from memory, and must be the same.
async function twice(get, request) {
  const first = (await get(request)).Item;
  assert.deepEqual((await get(request)).Item, first);
  return first;
}
const found = (customer, placed, more = {}) =>
  twice((request) => documents.get(request), { TableName, Key: { customer, placed }, ...more });
const foundBare = (TableName, Key, more = {}) =>
  twice((request) => bare.getItem(request), { TableName, Key, ...more });

async function fill(customer, count) {
  for (let from = 0; from < count; from += 25) {
    const puts = range(from, Math.min(count, from + 25)).map((n) => ({ PutRequest: { Item: order(customer, n) } }));
    const { UnprocessedItems } = await documents.batchWrite({ RequestItems: { orders: puts } });
    assert.deepEqual(UnprocessedItems, {});
  }
}

async function everyPage(call, request) {
  const pages = [];
  do {
    pages.push(await call({ ...request, ExclusiveStartKey: pages.at(-1)?.LastEvaluatedKey }));
  } while (pages.at(-1).LastEvaluatedKey);
  return pages;
}
const itemsOf = (pages) => pages.flatMap((page) => page.Items);

test("items", async () => {
  const Key = { customer: "items", placed: 1 };
  assert.equal(await found("items", 1), undefined);
  assert.equal((await put(order("items", 1))).Attributes, undefined);
  assert.deepEqual(await found("items", 1), order("items", 1));
  const strong = await documents.get({ TableName, Key, ConsistentRead: true, ReturnConsumedCapacity: "TOTAL" });
  assert.deepEqual(strong.Item, order("items", 1));
  assert.equal(strong.ConsumedCapacity.CapacityUnits, 1);

  const replaced = order("items", 1, { note: "second" });
  const old = await put(replaced, { ReturnValues: "ALL_OLD", ReturnConsumedCapacity: "INDEXES" });
  assert.deepEqual(old.Attributes, order("items", 1));
  assert.equal(old.ConsumedCapacity.CapacityUnits, 2);
  assert.equal(old.ConsumedCapacity.GlobalSecondaryIndexes["by-state"].CapacityUnits, 1);
  assert.deepEqual(await found("items", 1), replaced);

  const changed = await update("items", 1, {
    UpdateExpression: "SET note = :n, tags = if_not_exists(tags, :t) ADD cents :c REMOVE nothing",
    ExpressionAttributeValues: { ":n": "third", ":t": ["a"], ":c": 0.5 },
    ReturnValues: "UPDATED_NEW",
  });
  assert.deepEqual(changed.Attributes, { note: "third", tags: ["a"], cents: 10.5 });
  const before = await update("items", 1, {
    UpdateExpression: "SET tags = list_append(tags, :t), #s = :s, cents = cents - :c",
    ExpressionAttributeNames: { "#s": "state" },
    ExpressionAttributeValues: { ":t": ["b"], ":s": "lost", ":c": 10.5 },
    ReturnValues: "UPDATED_OLD",
  });
  assert.deepEqual(before.Attributes, { tags: ["a"], state: "open", cents: 10.5 });
  const whole = await update("items", 1, { UpdateExpression: "REMOVE tags[0]", ReturnValues: "ALL_NEW" });
  assert.deepEqual(whole.Attributes, { ...Key, note: "third", tags: ["b"], state: "lost", cents: 0 });
  assert.deepEqual(await found("items", 1), whole.Attributes);

  const deleted = await documents.delete({ TableName, Key, ReturnValues: "ALL_OLD" });
  assert.deepEqual(deleted.Attributes, whole.Attributes);
  assert.equal(await found("items", 1), undefined);
  assert.equal((await documents.delete({ TableName, Key, ReturnValues: "ALL_OLD" })).Attributes, undefined);
});

const REFUSED = { code: "ConditionalCheckFailedException", message: /The conditional request failed/ };

test("conditions", async () => {
  const absent = { ConditionExpression: "attribute_not_exists(customer)" };
  await put(order("conditions", 1), absent);
  await assert.rejects(put(order("conditions", 1, { note: "second" }), absent), REFUSED);
  const pay = {
    UpdateExpression: "SET #s = :paid",
    ConditionExpression:
      "(#s = :open OR #s = :held) AND NOT cents BETWEEN :low AND :high AND cents IN (:ten, :low)",
    ExpressionAttributeNames: { "#s": "state" },
    ExpressionAttributeValues: {
      ":paid": "paid",
      ":open": "open",
      ":held": "held",
      ":low": 0,
      ":high": 9.5,
      ":ten": 10,
    },
  };
  await update("conditions", 1, pay);
  const paid = order("conditions", 1, { state: "paid" });
  assert.deepEqual(await found("conditions", 1), paid);
  await assert.rejects(update("conditions", 1, pay), REFUSED);
  const remove = (condition, start) =>
    documents.delete({
      TableName,
      Key: { customer: "conditions", placed: 1 },
      ConditionExpression: `attribute_type(customer, :type) AND ${condition} AND size(customer) > :five`,
      ExpressionAttributeNames: { "#s": "state" },
      ExpressionAttributeValues: { ":type": "S", ":start": start, ":five": 5 },
    });
  await assert.rejects(remove("begins_with(#s, :start)", "lo"), REFUSED);
  assert.deepEqual(await found("conditions", 1), paid);
  await remove("#s <> :start AND contains(customer, :start)", "cond");
  assert.equal(await found("conditions", 1), undefined);
});

test("queries", async () => {
  await fill("queries", 12);
  const query = (request) => documents.query(request);
  const of = {
    TableName,
    KeyConditionExpression: "customer = :c AND placed >= :from",
    ExpressionAttributeValues: { ":c": "queries", ":from": 2 },
  };
  for (const _ of ["of the table", "from memory"]) {
    const pages = await everyPage(query, { ...of, Limit: 4 });
    assert.deepEqual(pages.map((page) => page.Count), [4, 4, 2]);
    assert.deepEqual(itemsOf(pages), range(2, 12).map((n) => order("queries", n)));
  }
  const backwards = await query({ ...of, ScanIndexForward: false, Limit: 3, ProjectionExpression: "placed" });
  assert.deepEqual(backwards.Items, [{ placed: 11 }, { placed: 10 }, { placed: 9 }]);
  assert.deepEqual(backwards.LastEvaluatedKey, { customer: "queries", placed: 9 });
  const counted = await query({
    ...of,
    FilterExpression: "#s = :open AND NOT contains(cents, :from)",
    ExpressionAttributeNames: { "#s": "state" },
    ExpressionAttributeValues: { ...of.ExpressionAttributeValues, ":open": "open" },
    Select: "COUNT",
  });
  assert.deepEqual([counted.Count, counted.ScannedCount, counted.Items ?? []], [5, 10, []]);

  for (const n of [50, 40, 45]) await put(order("queries", n, { state: "lost" }));
  const byState = {
    TableName,
    IndexName: "by-state",
    KeyConditionExpression: "#s = :lost AND cents < :c",
    ExpressionAttributeNames: { "#s": "state" },
    ExpressionAttributeValues: { ":lost": "lost", ":c": 500 },
  };
  for (const _ of ["of the index", "from memory"]) {
    const pages = await everyPage(query, { ...byState, Limit: 1 });
    assert.deepEqual(itemsOf(pages), [40, 45].map((n) => order("queries", n, { state: "lost" })));
    assert.deepEqual(pages[0].LastEvaluatedKey, { customer: "queries", placed: 40, state: "lost", cents: 400 });
  }
});

test("scans", async () => {
  await fill("scans-a", 15);
  await fill("scans-b", 15);
  const scan = (request) => documents.scan(request);
  const ours = {
    TableName,
    FilterExpression: "begins_with(customer, :ours)",
    ExpressionAttributeValues: { ":ours": "scans-" },
  };
  const byKey = (a, b) => a.customer.localeCompare(b.customer) || a.placed - b.placed;
  const expected = ["scans-a", "scans-b"].flatMap((name) => range(0, 15).map((n) => order(name, n)));
  const pages = await everyPage(scan, { ...ours, Limit: 7 });
  assert.ok(pages.length > 4);
  assert.ok(pages.every((page) => page.ScannedCount <= 7));
  assert.deepEqual(itemsOf(pages).sort(byKey), expected);
  const segments = await Promise.all(
    [0, 1, 2].map((Segment) => everyPage(scan, { ...ours, Segment, TotalSegments: 3, Limit: 5 })),
  );
  assert.deepEqual(segments.flatMap(itemsOf).sort(byKey), expected);
  await put(order("scans-a", 99, { state: "gone" }));
  const projected = await everyPage(scan, {
    TableName,
    IndexName: "by-state",
    Limit: 10,
    FilterExpression: "#s = :gone",
    ProjectionExpression: "placed, #s",
    ExpressionAttributeNames: { "#s": "state" },
    ExpressionAttributeValues: { ":gone": "gone" },
  });
  assert.deepEqual(itemsOf(projected), [{ placed: 99, state: "gone" }]);
});

test("batches", async () => {
  const products = range(0, 3).map((sku) => ({ sku, name: `product ${sku}` }));
  const written = await documents.batchWrite({
    RequestItems: {
      orders: range(0, 12).map((n) => ({ PutRequest: { Item: order("batches", n) } })),
      products: products.map((Item) => ({ PutRequest: { Item } })),
    },
    ReturnConsumedCapacity: "TOTAL",
  });
  assert.deepEqual(written.UnprocessedItems, {});
  assert.deepEqual(written.ConsumedCapacity.map((of) => of.TableName).sort(), ["orders", "products"]);
  const read = async () => {
    const answer = await documents.batchGet({
      RequestItems: {
        orders: {
          Keys: [0, 7, 11, 99].map((placed) => ({ customer: "batches", placed })),
          ProjectionExpression: "placed, #c",
          ExpressionAttributeNames: { "#c": "cents" },
        },
        products: { Keys: [2, 0, 9].map((sku) => ({ sku })) },
      },
    });
    assert.deepEqual(answer.UnprocessedKeys, {});
    const { orders, products } = answer.Responses;
    return [orders.sort((a, b) => a.placed - b.placed), products.sort((a, b) => a.sku - b.sku)];
  };
  const there = [0, 7, 11].map((placed) => ({ placed, cents: placed * 10 }));
  assert.deepEqual(await read(), [there, [products[0], products[2]]]);
  assert.deepEqual(await read(), [there, [products[0], products[2]]]);
  await documents.batchWrite({
    RequestItems: {
      orders: [
        { DeleteRequest: { Key: { customer: "batches", placed: 0 } } },
        { PutRequest: { Item: order("batches", 7, { cents: 1 }) } },
      ],
      products: [{ DeleteRequest: { Key: { sku: 2 } } }],
    },
  });
  assert.deepEqual(await read(), [[{ placed: 7, cents: 1 }, there[2]], [products[0]]]);
});

test("transactions", async () => {
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
  const write = (TransactItems, more = {}) => documents.transactWrite({ TransactItems, ...more });
  const product = { sku: 77, name: "bought" };
  const both = [
    pay(1, "open"),
    { Put: { TableName, Item: order("transactions", 2) } },
    { Put: { TableName: "products", Item: product } },
    {
      ConditionCheck: {
        TableName: "products",
        Key: { sku: 78 },
        ConditionExpression: "attribute_not_exists(sku)",
      },
    },
    { Delete: { TableName: "products", Key: { sku: 79 } } },
  ];
  const token = { ClientRequestToken: randomUUID() };
  await write(both, token);
  await write(both, token);
  const paid = { ...first, state: "paid", version: 1 };
  assert.deepEqual(await found("transactions", 1), paid);
  await assert.rejects(write([both[0]], token), { code: "IdempotentParameterMismatchException" });
  await assert.rejects(write([{ Put: { TableName, Item: order("transactions", 3) } }, pay(1, "open")]), (error) => {
    assert.equal(error.code, "TransactionCanceledException");
    assert.match(error.message, /\[None, ConditionalCheckFailed\]/);
    const [none, failed] = error.cancellationReasons;
    assert.equal(none.Code ?? "None", "None");
    assert.equal(failed.Code, "ConditionalCheckFailed");
    assert.equal(failed.Message, "The conditional request failed");
    // The document clients translate no errors.
    assert.deepEqual([failed.Item.state, failed.Item.version], [{ S: "paid" }, { N: "1" }]);
    return true;
  });
  const get = (placed, more = {}) => ({ Get: { TableName, Key: { customer: "transactions", placed }, ...more } });
  const projected = { ProjectionExpression: "version, #s", ExpressionAttributeNames: { "#s": "state" } };
  const answer = await documents.transactGet({
    TransactItems: [get(1), get(3), get(2, projected), { Get: { TableName: "products", Key: { sku: 77 } } }],
    ReturnConsumedCapacity: "TOTAL",
  });
  assert.deepEqual(answer.Responses.map(({ Item }) => Item), [paid, undefined, { state: "paid" }, product]);
  const spent = answer.ConsumedCapacity.map((of) => [of.TableName, of.CapacityUnits]).sort();
  assert.deepEqual(spent, [["orders", 6], ["products", 2]]);
});

test("projections", async () => {
  await put(
    order("projections", 1, {
      deep: { list: [{ sku: 1 }, ["x", "y"], "last"] },
      parts: [0, 1, 2, 3],
      "dotted.name": { "in.side": "dots" },
    }),
  );
  const projected = (ProjectionExpression, ExpressionAttributeNames) =>
    found("projections", 1, { ProjectionExpression, ...ExpressionAttributeNames && { ExpressionAttributeNames } });
  assert.deepEqual(await projected("cents"), { cents: 10 });
  assert.deepEqual(await projected("#s, customer", { "#s": "state" }), { state: "open", customer: "projections" });
  assert.deepEqual(await projected("deep.#l[0].sku, parts[2]", { "#l": "list" }), {
    deep: { list: [{ sku: 1 }] },
    parts: [2],
  });
  assert.deepEqual(await projected("deep.#l[1][0]", { "#l": "list" }), { deep: { list: [["x"]] } });
  assert.deepEqual(await projected("#d.#i, nothing.here[3]", { "#d": "dotted.name", "#i": "in.side" }), {
    "dotted.name": { "in.side": "dots" },
  });
  assert.deepEqual(await projected("nothing, parts[9]") ?? {}, {});
  const queried = await documents.query({
    TableName,
    KeyConditionExpression: "customer = :c",
    ExpressionAttributeValues: { ":c": "projections" },
    ProjectionExpression: "deep.#l[2], cents",
    ExpressionAttributeNames: { "#l": "list" },
  });
  assert.deepEqual(queried.Items, [{ deep: { list: ["last"] }, cents: 10 }]);
});

const NUMBERS = [
  ...["-12345678901234567890.12345678901234567", "-1", "-0.001", "0", "1.5", "100", "9007199254740993"],
];

test("keys", async () => {
  const ofSku = (sku) => ({ sku: { N: sku } });
  for (const number of NUMBERS.toReversed()) {
    const Item = { ...ofSku(number), name: { S: `number ${number}` } };
    await bare.putItem({ TableName: "products", Item });
    assert.deepEqual(await foundBare("products", ofSku(number)), Item);
    await bare.putItem({ TableName, Item: { ...orderKey("keys", number), name: { S: number } } });
  }
  // One key, however it is written.
  assert.deepEqual((await foundBare("products", ofSku("1.50"))).name, { S: "number 1.5" });
  assert.deepEqual((await foundBare("products", ofSku("1e2"))).name, { S: "number 100" });
  const pages = await everyPage((request) => bare.query(request), {
    TableName,
    Limit: 2,
    KeyConditionExpression: "customer = :c",
    ExpressionAttributeValues: { ":c": { S: "keys" } },
  });
  assert.deepEqual(itemsOf(pages), NUMBERS.map((n) => ({ ...orderKey("keys", n), name: { S: n } })));

  const digest = Buffer.from(range(0, 256));
  const paths = [[0], [0, 255], [97], [255]].map((bytes) => Buffer.from(bytes));
  for (const path of paths) {
    const Item = { digest, path, data: Buffer.concat([path, path]) };
    await documents.put({ TableName: "pieces", Item });
    const { data } = await twice((request) => documents.get(request), {
      TableName: "pieces",
      Key: { digest, path },
    });
    assert.deepEqual(Buffer.from(data), Item.data);
  }
  const pieces = await everyPage((request) => documents.query(request), {
    TableName: "pieces",
    Limit: 1,
    KeyConditionExpression: "digest = :d",
    ExpressionAttributeValues: { ":d": digest },
  });
  assert.deepEqual(itemsOf(pieces).map((piece) => Buffer.from(piece.path)), paths);
});

test("item collections", async () => {
  const digest = Buffer.from("collections");
  const TableName = "pieces";
  const ReturnItemCollectionMetrics = "SIZE";
  const isOfAll = ({ ItemCollectionKey, SizeEstimateRangeGB }) => {
    assert.deepEqual(Object.keys(ItemCollectionKey), ["digest"]);
    assert.deepEqual(Buffer.from(ItemCollectionKey.digest), digest);
    assert.deepEqual(SizeEstimateRangeGB, [0, 1]);
  };
  const piece = (path, octets) => ({
    digest,
    path: Buffer.from([path]),
    octets,
    parts: { first: 1, others: ["a", "b"] },
  });
  const put = await documents.put({ TableName, Item: piece(0, 30), ReturnItemCollectionMetrics });
  isOfAll(put.ItemCollectionMetrics);
  const batch = await documents.batchWrite({
    RequestItems: { pieces: [{ PutRequest: { Item: piece(1, 10) } }] },
    ReturnItemCollectionMetrics,
  });
  isOfAll(batch.ItemCollectionMetrics.pieces[0]);
  const transaction = await documents.transactWrite({
    TransactItems: [{ Put: { TableName, Item: piece(255, 20) } }],
    ReturnItemCollectionMetrics,
  });
  isOfAll(transaction.ItemCollectionMetrics.pieces[0]);

  const byOctets = async (ConsistentRead) => {
    const pages = await everyPage((request) => documents.query(request), {
      TableName,
      IndexName: "by-octets",
      Limit: 2,
      KeyConditionExpression: "digest = :d AND octets > :few",
      ExpressionAttributeValues: { ":d": digest, ":few": 5 },
      ConsistentRead,
    });
    return itemsOf(pages).map(({ path, octets }) => [path[0], octets]);
  };
  for (const isStrong of [false, false, true]) {
    assert.deepEqual(await byOctets(isStrong), [[1, 10], [255, 20], [0, 30]]);
  }
  const Key = { digest, path: Buffer.from([0]) };
  const update = (ReturnValues) =>
    documents.update({
      TableName,
      Key,
      UpdateExpression: "SET parts.others[1] = :c, octets = :few ADD parts.#f :few",
      ExpressionAttributeNames: { "#f": "first" },
      ExpressionAttributeValues: { ":c": "c", ":few": 7 },
      ReturnValues,
      ReturnItemCollectionMetrics,
    });
  // Of what lies deeper, no more than the update names.
  const before = await update("UPDATED_OLD");
  assert.deepEqual(before.Attributes, { octets: 30, parts: { first: 1, others: ["b"] } });
  isOfAll(before.ItemCollectionMetrics);
  const after = await update("UPDATED_NEW");
  assert.deepEqual(after.Attributes, { octets: 7, parts: { first: 15, others: ["c"] } });
  assert.deepEqual(await byOctets(false), [[0, 7], [1, 10], [255, 20]]);
  isOfAll((await documents.delete({ TableName, Key, ReturnItemCollectionMetrics })).ItemCollectionMetrics);
});

test("attribute types", async () => {
  const kept = order("types", 1, {
    empty: "",
    flags: [true, false, null],
    deep: { "a.b": { deep: [1, [2, { three: 3 }]] } },
    hollow: { map: {}, list: [] },
    text: 'quoted "ümlaut" \\ \n 🚲',
    float: 0.1,
    small: -1e-7,
  });
  await put({
    ...kept,
    binary: Buffer.from(range(0, 256)),
    binaries: setOf(Buffer.of(1), Buffer.of(255, 0)),
    letters: setOf("b", "ä"),
    numbers: setOf(3, -1, 2.5),
  });
  const { binary, binaries, letters, numbers, ...rest } = await found("types", 1);
  assert.deepEqual(rest, kept);
  assert.deepEqual([...binary], range(0, 256));
  assert.deepEqual(membersOf(binaries).map((bytes) => [...bytes]).sort(), [[1], [255, 0]]);
  assert.deepEqual(membersOf(letters).sort(), ["b", "ä"]);
  assert.deepEqual(membersOf(numbers).sort((a, b) => a - b), [-1, 2.5, 3]);

  const precise = {
    ...orderKey("types", 2),
    precise: { N: "1234567890.1234567890123456789012345678" },
    big: { N: "1208925819614629174706176" },
  };
  await bare.putItem({ TableName, Item: precise });
  assert.deepEqual(await foundBare(TableName, orderKey("types", 2)), precise);

  const deep = range(0, 30).reduce((inner, level) => (level % 2 ? { [`level ${level}`]: inner } : [inner]), "bottom");
  await put(order("types", 3, { deep }));
  assert.deepEqual((await found("types", 3)).deep, deep);
});

test("large items", async () => {
  // Names count as values do.
  const room = 400 * 1024 - "customerlargeplacedtext".length - 2;
  const largest = { customer: "large", placed: 1, text: "x".repeat(room) };
  await put(largest);
  assert.deepEqual(await found("large", 1), largest);
  await assert.rejects(put({ ...largest, placed: 2, text: "x".repeat(room + 100) }), {
    code: "ValidationException",
    message: /Item size has exceeded the maximum allowed size/,
  });
  assert.equal(await found("large", 2), undefined);
  for (const placed of range(3, 6)) await put({ customer: "large", placed, bytes: Buffer.alloc(room - 100, placed) });
  const pages = await everyPage((request) => documents.query(request), {
    TableName,
    KeyConditionExpression: "customer = :c",
    ExpressionAttributeValues: { ":c": "large" },
  });
  assert.equal(pages.length, 2);
  assert.deepEqual(itemsOf(pages).map((item) => item.placed), [1, 3, 4, 5]);
});

test("attribute names", async () => {
  // Their order is not the same by code points as by UTF-16's units.
  const names = ["ünïcode", "名前", "🚲", "ﬀ", "with space", "with.dot", "a".repeat(255), "#", ":"];
  const item = { customer: "names", placed: 1 };
  for (const name of names) item[name] = `value of ${name}`;
  await put(item);
  assert.deepEqual(await found("names", 1), item);
  const Key = orderKey("names", 1);
  const seen = (await http.getItem({ TableName, Key })).Item;
  for (const name of names) assert.deepEqual(seen[name], { S: `value of ${name}` });
  item["map ｆ"] = {};
  await put(item);
  const changed = await update("names", 1, {
    UpdateExpression: "SET #bike = :b, #map.#inner = :b",
    ConditionExpression: "attribute_not_exists(#map.#inner)",
    ExpressionAttributeNames: { "#bike": "🚲", "#map": "map ｆ", "#inner": "🚲.ｆ" },
    ExpressionAttributeValues: { ":b": "new" },
    ReturnValues: "ALL_NEW",
  });
  assert.deepEqual(changed.Attributes, { ...item, "🚲": "new", "map ｆ": { "🚲.ｆ": "new" } });
  assert.deepEqual(await found("names", 1), changed.Attributes);
  const there = (await http.getItem({ TableName, Key })).Item;
  assert.deepEqual([there["🚲"], there["map ｆ"]], [{ S: "new" }, { M: { "🚲.ｆ": { S: "new" } } }]);
});

test("both doors", async () => {
  // What one door wrote, the other reads at once, whatever it has read before.
  const Key = orderKey("doors", 1);
  const of = {
    TableName,
    KeyConditionExpression: "customer = :c",
    ExpressionAttributeValues: { ":c": { S: "doors" } },
  };
  for (const n of range(0, 10)) {
    for (const [by, writer, reader] of [["http", http, bare], ["dax", bare, http]]) {
      for (const client of [writer, reader]) {
        await client.getItem({ TableName, Key });
        await client.query({ ...of });
      }
      const Item = { ...Key, note: { S: `${n} by ${by}` } };
      await writer.putItem({ TableName, Item });
      for (const client of [reader, writer]) {
        assert.deepEqual((await client.getItem({ TableName, Key })).Item, Item);
        assert.deepEqual((await client.query({ ...of })).Items, [Item]);
      }
    }
    await http.deleteItem({ TableName, Key });
    assert.equal((await bare.getItem({ TableName, Key })).Item, undefined);
  }
});

test("errors", async () => {
  await assert.rejects(bare.getItem({ TableName: "nobody", Key: { id: { S: "x" } } }), {
    code: "ResourceNotFoundException",
    message: /Requested resource not found/,
  });
  await assert.rejects(bare.getItem({ TableName: "products", Key: { sku: { N: "1e126" } } }), {
    code: "ValidationException",
    message: /Number overflow/,
  });
  const refused = (UpdateExpression, message) =>
    assert.rejects(update("errors", 1, { UpdateExpression, ExpressionAttributeValues: { ":b": 1 } }), {
      code: "ValidationException",
      message,
    });
  await refused("SET a.b = :b, a = :b", /Two document paths overlap/);
  await refused("SET a.b = :b", /The document path provided in the update expression is invalid for update/);
  // The connection goes on.
  assert.equal(await found("errors", 1), undefined);
});
