// Refer cases over plain HTTP: the answer is the receipt.
//
//     echo '{"reference": "A-1", "urgency": "high", "callback": "+62 ..."}' | node refer_http.mjs
//
// Without an answer it is sent again, with the same Idempotency-Key and the same reference: a second case never comes of it.
// Each receipt is printed; where a referral was refused, with the fields to correct.
import { createInterface } from "node:readline";

const AGAIN = new Set([429, 502, 503, 504]); // it was not taken, or nobody knows

async function refer(referral) {
  const { reference } = referral;
  const headers = {
    Authorization: `Bearer ${process.env.NAUNGAN_TOKEN}`,
    "Content-Type": "application/json",
    "Idempotency-Key": `referral:${reference}`,
  };
  for (let pause = 500; ; pause = Math.min(2 * pause, 30_000)) {
    try {
      const asked = { method: "POST", headers, body: JSON.stringify(referral), signal: AbortSignal.timeout(10_000) };
      const answer = await fetch(`${process.env.NAUNGAN_URL}/intake/reports`, asked);
      const body = await answer.json();
      if (answer.ok) return { ...body, reference };
      if (!AGAIN.has(answer.status)) return { reference, receipt: "rejected", title: body.title, problems: body.errors ?? [] };
      console.error(`${reference}: ${answer.status}, again`);
    } catch (error) {
      console.error(`${reference}: ${error.name}, again`);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim()) console.log(JSON.stringify(await refer(JSON.parse(line))));
}
