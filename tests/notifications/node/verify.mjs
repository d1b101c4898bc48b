// Reads lines of {secret, headers, body} and answers each with the event's id, or with what the library refused.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { Webhook } = createRequire(process.argv[2] + "/")("standardwebhooks");
for await (const line of createInterface({ input: process.stdin })) {
  const { secret, headers, body } = JSON.parse(line);
  try {
    console.log(JSON.stringify({ id: new Webhook(secret).verify(body, headers).id }));
  } catch (error) {
    console.log(JSON.stringify({ refused: error.message }));
  }
}
