import { $, clock, el, keyed, put, set } from "./dom.js";

const list = keyed($("buttons"), button);

// What may be tried on a cluster that is there for it: the page of any other has no buttons.
export function buttons(view) {
  const all = view.buttons ?? [];
  $("lab").hidden = all.length === 0;
  put($("reads"), all.length === 0 ? "read only" : "only its buttons change anything");
  list.show(all.map((b) => [b.name, { b, now: Date.parse(view.at) }]));
}

// A button keeps the focus while what it does is under way, and does nothing.
function button(name, { b }) {
  const push = el("button", { type: "button", onclick: () => push.ariaDisabled === "true" || press(name, said) }, b.label);
  const said = el("span", { role: "status" });
  const show = ({ b, now }) => {
    set(push, "aria-disabled", String(b.until != null));
    put(said, words(b, now));
  };
  return { root: el("li", { "data-button": name }, push, el("span", { class: "quiet" }, b.does), said), show };
}

function words(b, now) {
  if (b.until) return now < Date.parse(b.until) ? `● under way until ${clock(b.until)}` : "● about to end";
  if (b.error) return `✕ failed at ${clock(b.ended)}: ${b.error}${b.fix ? `. Fix: ${b.fix}` : ""}`;
  return b.ended ? `✓ ended at ${clock(b.ended)}` : "";
}

async function press(name, said) {
  try {
    const answer = await fetch(`api/actions/${encodeURIComponent(name)}`, { method: "POST" });
    if (!answer.ok) put(said, `✕ refused: ${(await answer.text()).trim()}`);
  } catch {
    put(said, "✕ what serves this page has ended. Fix: start it again");
  }
}
