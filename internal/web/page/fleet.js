import { $, el, href, keyed, lazily, put, set, since } from "./dom.js";
import { late } from "./draw.js";
import { state } from "./live.js";

const nodes = lazily($("nodes"), node);
const unplaced = keyed($("unplaced").querySelector("ul"), waiting);

// GPU slots by node: who holds each, and in what state.
export function* fleet(view) {
  const on = Map.groupBy(view.holders ?? [], (h) => h.node);
  const all = view.nodes ?? [], nowhere = on.get("") ?? [];
  unplaced.show(nowhere.map((h) => [`${h.namespace}/${h.pod}`, h]));
  $("legend").hidden = all.length === 0;
  $("unplaced").hidden = nowhere.length === 0;
  $("no-nodes").hidden = all.length > 0;
  put($("no-nodes"), view.strip.gpus == null ? "Which GPUs there are cannot be seen: the note above says which right shows it." : "No node has GPUs.");
  yield* nodes.draw(all.map((n) => [n.name, { n, holders: on.get(n.name) ?? [] }]), late);
}

const name = (h) => (h.service ? h.service : `other: ${h.namespace}/${h.pod}`);
const link = (h) => (h.service ? el("a", { href: href(`${h.namespace}/${h.service}`) }, h.service) : el("span", null, name(h)));
const passed = (h) => since(h.since, state.view.at);

// A node is a card: its slots, and who holds them.
function node(called) {
  const title = el("span", { class: "node-name" }, called), cordoned = el("span", { class: "tag", hidden: true }, "cordoned"), held = el("span", { class: "num r" });
  const bar = el("span", { class: "slots" }), names = el("div", { class: "whos" });
  const slots = keyed(bar, slot), holds = keyed(names, who);
  const root = el("div", { class: "node", "data-node": called }, el("div", { class: "node-head" }, title, cordoned, held));
  const enter = () => root.append(bar, names);
  const leave = () => {
    bar.remove();
    names.remove();
  };
  const show = ({ n, holders }) => {
    const taken = each(holders);
    set(title, "title", n.product ?? "");
    cordoned.hidden = !n.cordoned;
    put(held, `${taken.length}/${n.gpus}`);
    slots.show([...taken, ...Array(Math.max(0, n.gpus - taken.length))].map((h, i) => [i, h]));
    holds.show(Map.groupBy(holders, (h) => `${h.namespace}/${name(h)}`));
  };
  return { root, show, enter, leave };
}

// each has a holder once for each GPU.
const each = (holders) => holders.flatMap((h) => Array(h.gpus).fill(h));

// A slot is a GPU, with who holds it; undefined: nobody.
function slot() {
  const root = el("i");
  const show = (h) => {
    set(root, "class", h ? `slot ${h.state}${h.service ? "" : " other"}` : "slot free");
    set(root, "title", h ? `${name(h)}: ${h.pod}, ${h.state}${h.phase ? `, ${h.phase}` : ""}` : "free");
  };
  return { root, show };
}

// Who holds GPUs of a node: a service by all of its pods there, or a pod of none.
function who(_, [first]) {
  const count = el("span", { class: "num" }), moving = el("span", { class: "quiet" });
  const root = el("span", { class: "who" }, link(first), count, moving);
  const show = (pods) => {
    put(count, ` ${each(pods).length}`);
    put(moving, pods.map(phase).join(""));
  };
  return { root, show };
}

// phase says what a pod is doing, and how long that usually takes yet.
function phase(h) {
  if (h.state === "draining") return ` draining ${passed(h)}`;
  if (h.state !== "starting") return "";
  const usual = state.services.get(`${h.namespace}/${h.service}`)?.coldStartSeconds ?? 0;
  const left = usual - (Date.parse(state.view.at) - Date.parse(h.since)) / 1000;
  return ` ${h.phase || "starting"} ${passed(h)}${left > 0 ? `, about ${Math.round(left)} s left` : ""}`;
}

// A pod that waits for a node.
function waiting(_, first) {
  const bar = el("span", { class: "slots" }), text = el("span", { class: "quiet num" });
  const slots = keyed(bar, slot);
  const show = (h) => {
    slots.show(each([h]).map((one, i) => [i, one]));
    put(text, ` ${h.gpus} GPU · ${passed(h)}`);
  };
  return { root: el("li", null, bar, link(first), text), show };
}
