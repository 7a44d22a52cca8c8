import { buttons } from "./buttons.js";
import { $, clock, put } from "./dom.js";
import { draw } from "./draw.js";
import { fleet } from "./fleet.js";
import { close, open, refresh, repaint } from "./service.js";
import { filter, services, visible } from "./services.js";
import { follow, state } from "./live.js";
import { notes, strip } from "./strip.js";

let frozen = null;
let heard = 0; // when the last view came, by this machine's clock

// place is what the address names: #/namespace/name?last=1h, or ?from=…&to=…
function place() {
  const [path, query] = location.hash.slice(2).split("?");
  const parts = path.split("/").filter(Boolean).map(decodeURIComponent);
  return { id: parts.length === 2 ? parts.join("/") : null, query: new URLSearchParams(query ?? "") };
}

function route() {
  const { id, query } = place();
  document.body.classList.toggle("one", id != null);
  current(id);
  if (id) open(id, query, frozen);
  else close();
}

function current(id) {
  for (const row of $("rows").children) row.toggleAttribute("aria-current", row.dataset.id === id);
}

function changed() {
  heard = performance.now();
  strip(state.view);
  notes(state.view);
  buttons(state.view);
  draw(view());
}

function* view() {
  yield* fleet(state.view);
  yield; // both at once would take a frame too long
  yield* services();
  current(place().id);
  age();
  refresh();
}

function age() {
  if (!state.view || frozen) return put($("age"), frozen ? `as of ${clock(state.view.at)}` : "");
  const behind = Math.round((performance.now() - heard) / 1000);
  const late = behind > 15;
  put($("age"), `${clock(state.view.at)}${late ? ` · no news for ${behind} s` : ""}`);
  $("age").classList.toggle("bad", late);
}

addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  if (event.key === "Escape") {
    if (typing) event.target.blur();
    else location.hash = "#/";
    return;
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const rows = visible();
  const at = rows.indexOf(document.activeElement);
  switch (event.key) {
    case "/":
      event.preventDefault();
      $("filter").focus();
      break;
    case "j":
      rows[Math.min(at + 1, rows.length - 1)]?.focus();
      break;
    case "k":
      rows[Math.max(at - 1, 0)]?.focus();
      break;
  }
});

$("filter").addEventListener("input", filter);
$("filter").addEventListener("keydown", (event) => {
  if (event.key === "Enter") visible()[0]?.focus();
});
addEventListener("hashchange", route);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);

frozen = follow(changed, (there) => document.body.classList.toggle("lost", !there));
if (frozen && frozen.detail) location.hash = "#/" + frozen.detail.service.id;
setInterval(age, 1000);
route();
