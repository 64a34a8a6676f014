// An application of ElectroDB: two entities of a task tracker in one table, found together through an index.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import * as bare from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { Entity, Service } from "electrodb";

const sdk = new bare.DynamoDBClient({ maxAttempts: 1 });
const client = DynamoDBDocumentClient.from(sdk);
const patience = { client: sdk, maxWaitTime: 20, minDelay: 0.05, maxDelay: 0.2 };
const table = "tracker";

const text = (AttributeName) => ({ AttributeName, AttributeType: "S" });
const keys = (hash, range) => [
  { AttributeName: hash, KeyType: "HASH" },
  { AttributeName: range, KeyType: "RANGE" },
];

const Task = new Entity(
  {
    model: { entity: "task", version: "1", service: "tracker" },
    attributes: {
      project: { type: "string", required: true },
      task: { type: "string", required: true },
      employee: { type: "string", required: true },
      status: { type: ["open", "doing", "done"], required: true, default: "open" },
      points: { type: "number", default: 1 },
      labels: { type: "set", items: "string" },
      comments: {
        type: "list",
        items: { type: "map", properties: { by: { type: "string" }, text: { type: "string" } } },
      },
      blob: { type: "any" },
    },
    indexes: {
      byProject: { pk: { field: "pk", composite: ["project"] }, sk: { field: "sk", composite: ["task"] } },
      byEmployee: {
        collection: "workload",
        index: "gsi1",
        pk: { field: "gsi1pk", composite: ["employee"] },
        sk: { field: "gsi1sk", composite: ["status", "task"] },
      },
    },
  },
  { table, client },
);

const Employee = new Entity(
  {
    model: { entity: "employee", version: "1", service: "tracker" },
    attributes: { employee: { type: "string", required: true }, team: { type: "string", required: true } },
    indexes: {
      byEmployee: { pk: { field: "pk", composite: ["employee"] }, sk: { field: "sk", composite: [] } },
      workload: {
        collection: "workload",
        index: "gsi1",
        pk: { field: "gsi1pk", composite: ["employee"] },
        sk: { field: "gsi1sk", composite: [] },
      },
    },
  },
  { table, client },
);

const tracker = new Service({ Task, Employee });
const task = (project, number, more = {}) => ({
  project,
  task: `t${String(number).padStart(3, "0")}`,
  employee: number % 2 ? "odd" : "even",
  ...more,
});

before(async () => {
  await sdk.send(
    new bare.CreateTableCommand({
      TableName: table,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: ["pk", "sk", "gsi1pk", "gsi1sk"].map(text),
      KeySchema: keys("pk", "sk"),
      GlobalSecondaryIndexes: [
        { IndexName: "gsi1", KeySchema: keys("gsi1pk", "gsi1sk"), Projection: { ProjectionType: "ALL" } },
      ],
    }),
  );
  await bare.waitUntilTableExists(patience, { TableName: table });
});

after(async () => {
  await sdk.send(new bare.DeleteTableCommand({ TableName: table }));
  await bare.waitUntilTableNotExists(patience, { TableName: table });
  sdk.destroy();
});

test("an entity's life", async () => {
  const key = { project: "life", task: "t001" };
  assert.equal((await Task.get(key).go()).data, null);
  const made = task("life", 1, {
    labels: ["a", "b"],
    comments: [{ by: "ada", text: "first" }],
    blob: Uint8Array.of(0, 255),
  });
  await Task.create(made).go();
  const { data } = await Task.get(key).go();
  assert.deepEqual(data, { ...made, status: "open", points: 1 });
  assert.deepEqual((await Task.get(key).go()).data, data);
  await assert.rejects(Task.create(made).go(), /The conditional request failed/);

  const changed = await Task.patch(key)
    .set({ status: "doing" })
    .add({ points: 4, labels: ["c"] })
    .append({ comments: [{ by: "bob", text: "second" }] })
    .where(({ status }, { eq }) => eq(status, "open"))
    .go({ response: "all_new" });
  assert.equal(changed.data.status, "doing");
  assert.equal(changed.data.points, 5);
  assert.deepEqual(changed.data.labels, ["a", "b", "c"]);
  assert.deepEqual(changed.data.comments.map(({ by }) => by), ["ada", "bob"]);
  assert.deepEqual((await Task.get(key).go()).data, changed.data);

  const stale = Task.patch(key).set({ points: 9 }).where(({ status }, { eq }) => eq(status, "open"));
  await assert.rejects(stale.go(), /The conditional request failed/);
  await assert.rejects(Task.patch({ project: "life", task: "t999" }).set({ points: 1 }).go(), /conditional request/);
  await Task.remove(key).go();
  assert.equal((await Task.get(key).go()).data, null);
});

test("queries and collections", async () => {
  const tasks = Array.from({ length: 30 }, (_, number) => task("many", number, { points: number }));
  assert.deepEqual((await Task.put(tasks).go()).unprocessed, []);
  await Employee.put({ employee: "odd", team: "blue" }).go();

  const all = await Task.query.byProject({ project: "many" }).go({ pages: "all", limit: 7 });
  assert.deepEqual(all.data.map(({ points }) => points), tasks.map(({ points }) => points));
  const between = await Task.query
    .byProject({ project: "many" })
    .between({ task: "t010" }, { task: "t014" })
    .where(({ points }, { gt }) => gt(points, 11))
    .go({ order: "desc" });
  assert.deepEqual(between.data.map(({ points }) => points), [14, 13, 12]);

  const first = await Task.query.byEmployee({ employee: "odd", status: "open" }).go({ limit: 4 });
  assert.equal(first.data.length, 4);
  const rest = await Task.query
    .byEmployee({ employee: "odd", status: "open" })
    .go({ cursor: first.cursor, pages: "all" });
  const odd = tasks.map(({ points }) => points).filter((points) => points % 2);
  assert.deepEqual([...first.data, ...rest.data].map(({ points }) => points), odd);

  const workload = await tracker.collections.workload({ employee: "odd" }).go({ pages: "all" });
  assert.deepEqual(workload.data.Employee, [{ employee: "odd", team: "blue" }]);
  assert.equal(workload.data.Task.length, 15);
  const scanned = await Task.scan.where(({ project }, { eq }) => eq(project, "many")).go({ pages: "all" });
  assert.equal(scanned.data.length, 30);

  const some = [3, 1, 2].map((number) => ({ project: "many", task: `t00${number}` }));
  const got = await Task.get(some).go({ preserveBatchOrder: true });
  assert.deepEqual(got.data.map(({ points }) => points), [3, 1, 2]);
  await Task.delete(some).go();
  assert.deepEqual((await Task.get(some).go()).data, []);
});

test("transactions", async () => {
  await Employee.put({ employee: "eve", team: "red" }).go();
  const assign = (team) =>
    tracker.transaction
      .write(({ Task, Employee }) => [
        Employee.check({ employee: "eve" }).where(({ team: named }, { eq }) => eq(named, team)).commit(),
        Task.create(task("together", 1, { employee: "eve" })).commit(),
      ])
      .go();
  const refused = await assign("blue");
  assert.equal(refused.canceled, true);
  assert.deepEqual(refused.data.map(({ code }) => code), ["ConditionalCheckFailed", "None"]);
  assert.equal((await assign("red")).canceled, false);
  const again = await assign("red");
  assert.deepEqual(again.data.map(({ code }) => code), ["None", "ConditionalCheckFailed"]);
  const read = await tracker.transaction
    .get(({ Task, Employee }) => [
      Employee.get({ employee: "eve" }).commit(),
      Task.get({ project: "together", task: "t001" }).commit(),
      Task.get({ project: "together", task: "t002" }).commit(),
    ])
    .go();
  assert.deepEqual(read.data.map(({ item }) => item?.employee), ["eve", "eve", undefined]);
});
