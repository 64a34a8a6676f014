// A long life of one of DAX's clients, as test_dax.py asks for it. The arguments are the SDK that it is for, and the
// customer of its orders.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { open, orderKey } from "./dax-clients.mjs";

const [sdk, customer] = process.argv.slice(2);
const { bare, close } = await open(sdk);
const TableName = "orders";

const put = (placed, more) => bare.putItem({ TableName, Item: { ...orderKey(customer, placed), ...more } });
const get = async (Key) => (await bare.getItem({ TableName, Key })).Item;

// On a connection that was closed these clients wait for ever.
const inTime = (call) => Promise.race([call, sleep(3_000).then(() => assert.fail("no answer"))]);

const asleep = { ...orderKey(customer, 0), state: { S: "asleep" } };
await put(0, { state: asleep.state });
assert.deepEqual(await get(orderKey(customer, 0)), asleep);
assert.equal(await get(orderKey("everybody", 0)), undefined);
await sleep(1000 * process.env.IDLE);
assert.deepEqual(await get(orderKey(customer, 0)), asleep);
await put(1, { state: { S: "awake" } });

for (let placed = 2, over = false; !over; placed += 1) {
  const parity = placed % 2 ? "odd" : "even";
  try {
    await inTime(put(placed, { [`${parity} of ${customer}`]: { N: `${placed}` }, state: { S: parity } }));
    over = (await inTime(get(orderKey("everybody", 0)))) !== undefined;
  } catch (error) {
    console.log(`${new Date().toISOString()} order ${placed}: ${error}`);
  }
  await sleep(100);
}
close();
process.exit(0);
