// Follow your cases over NATS: each event once in a file, in whatever order and however often it comes.
//
//     node follow_nats.mjs events.jsonl
//
// Your durable keeps your place at the broker: an event is acknowledged when it is in the file, so it may come again and is never missed.
// Killed and started again, it goes on; while the broker is away, it waits. Each new event is printed as a CloudEvent.
import { jetstream } from "@nats-io/jetstream";
import { agency, connect } from "./connect.mjs";
import { Kept } from "./kept.mjs";

const kept = new Kept(process.argv[2]);
const heard = new Set(kept.lines.map((event) => event.id));

function cloudEvent(message) {
  const told = (name) => message.headers.get(`ce-${name}`);
  return {
    specversion: "1.0",
    id: told("id"),
    type: told("type"),
    source: told("source"),
    subject: told("subject"),
    time: told("time"),
    factversion: Number(told("factversion")),
    data: message.json(),
  };
}

const js = jetstream(await connect());
let feed;
for (;;) {
  try {
    feed ??= await js.consumers.get("AGENCIES", `agency-${agency}`);
    for await (const message of await feed.fetch({ max_messages: 100, expires: 5000 })) {
      const event = cloudEvent(message);
      const unheard = !heard.has(event.id);
      if (unheard) kept.add(event);
      heard.add(event.id);
      message.ack();
      if (unheard) console.log(JSON.stringify(event));
    }
  } catch (error) {
    console.error(`again: ${error.name}`); // no broker just now
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
