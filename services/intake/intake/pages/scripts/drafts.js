// Reports that are being written, kept on this device until they are sent: encrypted with a key of the device that no script can read, mixed with
// a secret that only the officer who is logged in gets from the service. Each is sent under the key of its form, so however often that is tried it
// is one case. Without this script the form works as any form does.
const place = document.querySelector("[data-drafts]");
const form = document.querySelector("form[data-report]");
const words = JSON.parse(place.dataset.words);
const news = place.querySelector("[data-drafts-news]");
const list = place.querySelector("[data-drafts-list]");
const HOURS = 60 * 60 * 1000;
const encoder = new TextEncoder();

const database = await new Promise((made, failed) => {
  const asked = indexedDB.open("naungan", 1);
  asked.onupgradeneeded = () => {
    asked.result.createObjectStore("keys");
    asked.result.createObjectStore("drafts", { keyPath: "id" });
  };
  asked.onsuccess = () => made(asked.result);
  asked.onerror = () => failed(asked.error);
});

function stored(name, mode, work) {
  return new Promise((done, failed) => {
    const transaction = database.transaction(name, mode);
    const asked = work(transaction.objectStore(name));
    transaction.oncomplete = () => done(asked.result);
    transaction.onabort = () => failed(transaction.error);
  });
}

async function keyOfHers() {
  let device = await stored("keys", "readonly", (keys) => keys.get("device"));
  if (!device) {
    const made = await crypto.subtle.importKey("raw", crypto.getRandomValues(new Uint8Array(32)), "HKDF", false, ["deriveKey"]);
    await stored("keys", "readwrite", (keys) => keys.add(made, "device")).catch(() => {}); // another tab was first
    device = await stored("keys", "readonly", (keys) => keys.get("device"));
  }
  const how = { name: "HKDF", hash: "SHA-256", salt: encoder.encode(place.dataset.owner), info: encoder.encode("drafts") };
  return crypto.subtle.deriveKey(how, device, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}
const key = await keyOfHers();

// One after the other: what is kept while she types must not come to lie over what she has sent.
let last = Promise.resolve();
function keep(...draft) {
  last = last.catch(() => {}).then(() => seal(...draft));
  return last;
}

async function seal(id, state, fields) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: encoder.encode(id) }, key, encoder.encode(JSON.stringify(fields)));
  await stored("drafts", "readwrite", (drafts) => drafts.put({ id, state, at: Date.now(), iv, sealed }));
}

async function opened(draft) {
  const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: draft.iv, additionalData: encoder.encode(draft.id) }, key, draft.sealed);
  return JSON.parse(new TextDecoder().decode(plain));
}

const entered = (submitter) => [...new FormData(form, submitter)].map(([name, value]) => [name, String(value)]);
const drop = (id) => stored("drafts", "readwrite", (drafts) => drafts.delete(id));
const all = () => stored("drafts", "readonly", (drafts) => drafts.getAll());
const withField = (fields, name, value) => [...fields.filter(([known]) => known !== name), [name, value]];

// What the service answers; 0 when it could not be reached, or is away.
async function send(fields) {
  try {
    const headers = { accept: "application/json", "content-type": "application/x-www-form-urlencoded" };
    const answer = await fetch(place.dataset.drafts, { method: "POST", headers, body: new URLSearchParams(fields).toString() });
    const told = answer.headers.get("content-type")?.startsWith("application/json") ? await answer.json() : {};
    return { status: answer.status >= 500 || answer.status === 429 ? 0 : answer.status, ...told };
  } catch {
    return { status: 0 };
  }
}

// One draft that waits, one try; a report that cannot be read in all its parts is sent as it is, and asked about later.
async function deliver(draft) {
  let fields = await opened(draft);
  let told = await send(fields);
  if (told.status === 403) {
    fields = withField(fields, "token", form.elements.token.value);
    told = await send(fields);
  }
  if (told.status === 422 && !told.problems?.includes("reused")) {
    fields = withField(fields, "anyway", "yes");
    await keep(draft.id, "queued", fields);
    told = await send(fields);
  }
  if (told.status === 201) {
    await stored("drafts", "readwrite", (drafts) => drafts.put({ id: draft.id, state: "sent", at: Date.now(), case: told.case }));
  } else if (told.status === 401) {
    news.textContent = words.login;
  } else if (told.status) {
    await keep(draft.id, "conflict", fields);
  }
}

async function flush() {
  await navigator.locks.request("naungan-drafts", async () => {
    for (const draft of await all()) {
      if (draft.state === "queued") await deliver(draft).catch(() => {}); // another officer's on this device
      if (draft.state === "sent" && Date.now() - draft.at > 24 * HOURS) await drop(draft.id);
    }
    if (!(await all()).some((draft) => draft.state === "queued")) news.textContent = "";
  });
  await show();
}

function button(text, work) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "govuk-button govuk-button--secondary govuk-!-margin-bottom-1";
  made.textContent = text;
  made.addEventListener("click", work);
  return made;
}

// The service shows the form again with what stands in a draft.
async function resume(draft) {
  const again = document.createElement("form");
  again.method = "post";
  again.action = place.dataset.drafts;
  const fields = withField(withField(await opened(draft), "token", form.elements.token.value), "again", "yes");
  for (const [name, value] of fields) {
    const field = document.createElement("input");
    [field.type, field.name, field.value] = ["hidden", name, value];
    again.append(field);
  }
  document.body.append(again);
  again.submit();
}

async function show() {
  const rows = [];
  for (const draft of (await all()).sort((a, b) => b.at - a.at)) {
    if (draft.id === form.elements.key.value) continue;
    if (draft.sealed && !(await opened(draft).then(() => true, () => false))) continue;
    const row = document.createElement("li");
    row.className = "app-item";
    row.dataset.state = draft.state;
    const said = document.createElement("p");
    said.className = "govuk-body";
    said.textContent = `${words[draft.state]} (${new Date(draft.at).toLocaleString(document.documentElement.lang)})`;
    row.append(said);
    if (draft.state === "sent") {
      const link = document.createElement("a");
      [link.href, link.textContent, link.className] = [draft.case, words.case, "govuk-link govuk-body"];
      row.append(link, " ");
    } else if (draft.state !== "queued") {
      row.append(button(words.open, () => resume(draft)), " ");
    }
    row.append(button(words.drop, async () => { await drop(draft.id); await show(); }));
    rows.push(row);
  }
  list.replaceChildren(...rows);
  place.hidden = rows.length === 0 && !news.textContent;
}

let waiting;
form.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => keep(form.elements.key.value, "draft", entered()), 500);
});

form.addEventListener("submit", async (event) => {
  if (["more", "fewer"].includes(event.submitter?.name)) return;
  event.preventDefault();
  clearTimeout(waiting);
  const [id, fields] = [form.elements.key.value, entered(event.submitter)];
  await keep(id, "queued", fields);
  const told = await navigator.locks.request("naungan-drafts", () => send(fields));
  if (told.status === 201) {
    await drop(id);
    location.assign(`${told.case}?said=reported`);
  } else if (told.status) {
    // What is wrong is said by the page itself.
    await keep(id, "draft", fields);
    if (event.submitter?.name) form.append(Object.assign(document.createElement("input"), { type: "hidden", name: event.submitter.name, value: event.submitter.value }));
    form.submit();
  } else {
    form.reset();
    form.elements.key.value = crypto.randomUUID();
    news.textContent = words.offline;
    await show();
    place.scrollIntoView();
  }
});

addEventListener("online", flush);
setInterval(async () => { if ((await all()).some((draft) => draft.state === "queued")) await flush(); }, 15000);
await flush();
form.dataset.report = "kept";
