// Follow your cases over plain HTTP: a snapshot first, then server-sent events from its position.
//
//     node follow_http.mjs events.jsonl                       follow until somebody ends this
//     node follow_http.mjs --since 2026-11-01T00:00:00Z       print what was said since then, and end
//
// An event and its position are one line of the file: killed and started again, it goes on where it was. A position of before a restore of
// the platform is refused (410): then everything begins again with a snapshot.
import { rmSync } from "node:fs";
import { Kept } from "./kept.mjs";

const GONE = 410;

async function get(path, query = {}, headers = {}) {
  const url = `${process.env.NAUNGAN_URL}/intake${path}?${new URLSearchParams(query)}`;
  const answer = await fetch(url, { headers: { Authorization: `Bearer ${process.env.NAUNGAN_TOKEN}`, ...headers } });
  if (!answer.ok) throw Object.assign(new Error(`${answer.status}: ${await answer.text()}`), { status: answer.status });
  return answer;
}

async function snapshot() {
  const cases = [];
  let page = await (await get("/feed/snapshot")).json();
  for (; page.next; page = await (await get("/feed/snapshot", { cursor: page.next })).json()) cases.push(...page.cases);
  return { position: page.position, snapshot: [...cases, ...page.cases] };
}

async function* events(position) {
  const stream = await get("/feed/events", {}, { Accept: "text/event-stream", "Last-Event-ID": position });
  let rest = "";
  for await (const chunk of stream.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
      if (fields.data) yield { position: fields.id, event: JSON.parse(fields.data) };
    }
  }
}

async function follow(path) {
  let kept = new Kept(path);
  for (;;) {
    try {
      if (!kept.lines.length) kept.add(await snapshot());
      const heard = new Set(kept.lines.map((line) => line.event?.id));
      for await (const told of events(kept.lines.at(-1).position)) {
        if (heard.has(told.event.id)) continue;
        heard.add(told.event.id);
        kept.add(told);
        console.log(JSON.stringify(told.event));
      }
    } catch (error) {
      if (error.status === GONE) {
        kept.close();
        rmSync(path);
        kept = new Kept(path);
        continue;
      }
      console.error(`again: ${error.message}`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

async function replay(since) {
  let page = await (await get("/feed", { since })).json();
  for (;;) {
    for (const { event } of page.events) console.log(JSON.stringify(event));
    if (!page.more) return;
    page = await (await get("/feed", { after: page.position })).json();
  }
}

await (process.argv[2] === "--since" ? replay(process.argv[3]) : follow(process.argv[2]));
