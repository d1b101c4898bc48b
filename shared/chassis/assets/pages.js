// What the pages do better with JavaScript and do without it too: a caught double tap, the focus on what is wrong, an inbox that fills by itself.
import { Button, ErrorSummary, createAll } from "./govuk-frontend.min.js";

document.body.classList.add("js-enabled", "govuk-frontend-supported");
createAll(Button, { preventDoubleClick: true });
createAll(ErrorSummary);

// `data-live` names a stream of server-sent events. When something came, the page says so where it is `data-news`; nothing moves under a thumb.
const live = document.querySelector("[data-live]");
if (live && "EventSource" in window) {
  const source = new EventSource(live.dataset.live);
  source.addEventListener("notice", () => {
    const news = document.querySelector("[data-news]");
    if (news) news.hidden = false;
  });
  addEventListener("pagehide", () => source.close());
}

// `data-part` is the address of another service's page, of which the piece that is `data-glance` is shown. A service that does not answer shows as such, and takes nothing else with it.
const parts = document.querySelectorAll("[data-part]");
async function ask(part) {
  try {
    const answer = await fetch(part.dataset.part, { redirect: "manual", signal: AbortSignal.timeout(8000) });
    if (answer.type === "opaqueredirect") return location.reload(); // the session ended: the page itself leads to the log-in
    if (!answer.ok) throw new Error(answer.statusText);
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-glance]");
    part.replaceChildren(...found.children);
  } catch {
    part.replaceChildren(document.querySelector("[data-silent]").content.cloneNode(true));
  }
}
function askAll() {
  if (document.visibilityState === "visible") parts.forEach(ask);
}
if (parts.length) {
  askAll();
  setInterval(askAll, 20000);
  addEventListener("visibilitychange", askAll);
}
