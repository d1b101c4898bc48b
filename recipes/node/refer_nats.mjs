// Refer cases over NATS, and know what became of each:
//
//     echo '{"reference": "A-1", "urgency": "high", "callback": "+62 ..."}' | node refer_nats.mjs referrals.jsonl
//
// Each line is kept in a file before it is sent, and sent again until its receipt is in the file too. A PubAck only says that it waits for intake.
// It ends when every referral has its receipt: each is printed, with the fields to correct where it was refused; what an earlier run kept comes first.
import { createInterface } from "node:readline";
import { jetstream } from "@nats-io/jetstream";
import { agency, connect } from "./connect.mjs";
import { Kept } from "./kept.mjs";

const FIRST = 1000 * Number(process.env.NAUNGAN_RESEND ?? 15); // until it is sent again; twice as long each time, up to ten minutes
const LONGEST = 600_000;
const kept = new Kept(process.argv[2]);
const referrals = new Map();
const due = new Map();
for (const { referral, receipt } of kept.lines) {
  if (referral) referrals.set(referral.reference, { referral });
  if (!receipt) continue;
  referrals.get(receipt.reference).receipt = receipt;
  console.log(JSON.stringify(receipt)); // whoever was killed may have kept it and not said it
}
for await (const line of createInterface({ input: process.stdin })) {
  if (!line.trim()) continue;
  const referral = JSON.parse(line);
  if (referrals.has(referral.reference)) continue;
  kept.add({ referral });
  referrals.set(referral.reference, { referral });
}
const waiting = () => [...referrals.values()].filter((entry) => !entry.receipt);

async function send(js) {
  for (const { referral } of waiting()) {
    const { at, pause } = due.get(referral.reference) ?? { at: 0, pause: FIRST };
    if (Date.now() < at) continue;
    due.set(referral.reference, { at: Date.now() + pause, pause: Math.min(2 * pause, LONGEST) });
    try {
      await js.publish(`referral.${agency}.submitted.v1`, JSON.stringify(referral), { timeout: 5000 });
    } catch (error) {
      due.set(referral.reference, { at: Date.now() + 1000, pause: FIRST }); // it was not even taken by the broker: soon again
      console.error(`${referral.reference}: not sent yet (${error.name})`);
    }
  }
}

async function receive(receipts) {
  for await (const message of await receipts.fetch({ max_messages: 50, expires: 1000 })) {
    const receipt = { ...message.json(), receipt: message.headers.get("ce-type").split(".")[1] };
    const known = referrals.get(receipt.reference);
    if (known && !known.receipt) kept.add({ receipt });
    if (!receipt.reference || (known && !known.receipt)) console.log(JSON.stringify(receipt)); // without one it could not be read at all
    if (known) known.receipt ??= receipt;
    await message.ackAck();
  }
}

const connection = await connect();
const js = jetstream(connection);
let receipts;
while (waiting().length) {
  try {
    receipts ??= await js.consumers.get("RECEIPTS", `agency-${agency}`);
    await send(js);
    await receive(receipts);
  } catch (error) {
    console.error(`again: ${error.name}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
await connection.close();
