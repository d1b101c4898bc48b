// Follow your cases over NATS: each event once in a file, in whatever order and however often it comes.
//
//     node follow_nats.mjs events.jsonl          follow until somebody ends this
//     node follow_nats.mjs --since 2026-11-01T00:00:00Z [--types agency.sheltered.v1,...]   print what was said since then, and end
//
// Your durable keeps your place at the broker: an event is acknowledged when it is in the file, so it may come again and is never missed.
// Killed and started again, it goes on; while the broker is away, it waits. Each new event is printed as a CloudEvent.
// A replay is asked for page by page and moves no durable; what was said of a case before its feed stopped is not in it.
import { jetstream } from "@nats-io/jetstream";
import { agency, connect } from "./connect.mjs";
import { Kept } from "./kept.mjs";

const AGAIN = [429, 503]; // another question of yours is being answered, or nothing can be just now
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

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

async function replay(since, types) {
  const connection = await connect();
  for (let question = { since, types }, more = true; more; ) {
    let answer;
    try {
      answer = (await connection.request(`feed.${agency}.replay`, JSON.stringify(question), { timeout: 10_000 })).json();
    } catch (error) {
      console.error(`again: ${error.name}`); // nobody answers just now
    }
    if (!answer || AGAIN.includes(answer.status)) {
      await pause(1000);
      continue;
    }
    if (answer.status) throw new Error(JSON.stringify(answer));
    for (const { event } of answer.events) console.log(JSON.stringify(event));
    question = { after: answer.position, types };
    more = answer.more;
  }
  await connection.close();
}

async function follow(path) {
  const kept = new Kept(path);
  const heard = new Set(kept.lines.map((event) => event.id));
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
        if (unheard) console.log(JSON.stringify(event));
        message.ack();
      }
    } catch (error) {
      console.error(`again: ${error.name}`); // no broker just now
      await pause(500);
    }
  }
}

const [first, since, option, types] = process.argv.slice(2);
if (first === "--since") await replay(since, option === "--types" ? types.split(",") : []);
else await follow(first);
