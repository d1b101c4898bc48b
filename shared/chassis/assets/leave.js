// Leaving at once: what was entered is emptied, the page is replaced in the history, and Esc three times does it too.
const way = document.querySelector("[data-leave]");
let taps = 0;
let last = 0;

function leave(event) {
  event?.preventDefault();
  document.documentElement.hidden = true;
  for (const form of document.forms) for (const field of form.elements) if (field.name) field.value = "";
  location.replace(way.href);
}

way?.addEventListener("click", leave);
addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  taps = Date.now() - last < 1000 ? taps + 1 : 1;
  last = Date.now();
  if (taps === 3) leave();
});
// Whoever comes back by the back button finds an empty form.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
