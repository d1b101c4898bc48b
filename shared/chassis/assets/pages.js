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
