// An application of one of DAX's clients, whose credentials go wrong while it runs, where DAX looks at them.

import assert from "node:assert/strict";
import { after, mock, test } from "node:test";

import { open, orderKey } from "./dax-clients.mjs";

const right = { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY };
let credentials = right;

// A signature is believed for five minutes around its time, and clients sign anew when they have not for 150 seconds.
const start = Date.now();
const setClock = (seconds) => mock.timers.setTime(start + seconds * 1000);
mock.timers.enable({ apis: ["Date"] });
setClock(-200);

const { bare, close } = await open(process.argv[2], async () => credentials);
after(close);

const read = () => bare.getItem({ TableName: "orders", Key: orderKey("credentials", 1) });

async function refused(refusal) {
  await assert.rejects(read(), refusal);
  // When it has been refused, it signs anew each time.
  await assert.rejects(read(), refusal);
  credentials = right;
}

test("right credentials", async () => assert.equal((await read()).Item, undefined));

test("wrong secret", async () => {
  setClock(-40);
  credentials = { ...right, secretAccessKey: "wrong" };
  await refused({ code: "InvalidSignatureException", message: /check the secret/ });
  assert.equal((await read()).Item, undefined);
});

test("unknown key", async () => {
  setClock(120);
  credentials = { ...right, accessKeyId: "AKIDNOBODY" };
  await refused({ code: "UnrecognizedClientException", message: /not known/ });
  assert.equal((await read()).Item, undefined);
});

test("expired signature", async () => {
  setClock(400);
  await refused({ code: "InvalidSignatureException", message: /check the clock/ });
  setClock(0);
  assert.equal((await read()).Item, undefined);
});
