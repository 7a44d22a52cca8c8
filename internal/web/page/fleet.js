import { $, el, href, since } from "./dom.js";
import { state } from "./live.js";

const words = { ready: "ready", starting: "starting", pending: "pending", draining: "draining", free: "free" };
let drawn = "";

// GPU slots by node: who holds each, and in what state.
export function fleet(view) {
  const key = JSON.stringify([view.nodes, view.holders]);
  if (key === drawn) return;
  drawn = key;
  const on = Map.groupBy(view.holders ?? [], (h) => h.node);
  const cards = (view.nodes ?? []).map((n) => node(n, on.get(n.name) ?? [], view.at));
  const waiting = (on.get("") ?? []).map((h) => el("li", null, slots(h), link(h), el("span", { class: "quiet num" }, ` ${h.gpus} GPU · ${since(h.since, view.at)}`)));
  const body = $("fleet-body");
  body.replaceChildren();
  if (cards.length) body.append(el("div", { class: "nodes" }, ...cards), legend());
  else body.append(el("p", { class: "quiet" }, view.strip.gpus == null ? "Which GPUs there are cannot be seen: the note above says which right shows it." : "No node has GPUs."));
  if (waiting.length) body.append(el("div", { class: "waiting" }, el("h3", null, "Without a node"), el("ul", null, ...waiting)));
}

const name = (h) => (h.service ? h.service : `other: ${h.namespace}/${h.pod}`);
const link = (h) => (h.service ? el("a", { href: href(`${h.namespace}/${h.service}`) }, h.service) : el("span", null, name(h)));

function node(n, holders, at) {
  const held = holders.reduce((sum, h) => sum + h.gpus, 0);
  const bar = el("span", { class: "slots" }, ...holders.map(slots));
  for (let i = held; i < n.gpus; i++) bar.append(el("i", { class: "slot free", title: "free" }));
  const who = [...Map.groupBy(holders, name).values()].map((of) => {
    const gpus = of.reduce((sum, h) => sum + h.gpus, 0);
    const moving = of.filter((h) => h.state === "starting" || h.state === "draining");
    return el("span", { class: "who" }, link(of[0]), el("span", { class: "num" }, ` ${gpus}`), ...moving.map((h) => el("span", { class: "quiet" }, ` ${phase(h, at)}`)));
  });
  return el("div", { class: "node", "data-node": n.name },
    el("div", { class: "node-head" }, el("span", { class: "node-name", title: n.product ?? "" }, n.name), n.cordoned ? el("span", { class: "tag" }, "cordoned") : null, el("span", { class: "num r" }, `${held}/${n.gpus}`)),
    bar, el("div", { class: "whos" }, ...who));
}

// phase says what a pod is doing, and how long that usually takes yet.
function phase(h, at) {
  const passed = (Date.parse(at) - Date.parse(h.since)) / 1000;
  if (h.state === "draining") return `draining ${since(h.since, at)}`;
  const usual = state.services.get(`${h.namespace}/${h.service}`)?.coldStartSeconds ?? 0;
  const left = usual > passed ? `, about ${Math.round(usual - passed)} s left` : "";
  return `${h.phase || "starting"} ${since(h.since, at)}${left}`;
}

function slots(h) {
  const all = document.createDocumentFragment();
  const title = `${name(h)}: ${h.pod}, ${words[h.state] ?? h.state}${h.phase ? `, ${h.phase}` : ""}`;
  for (let i = 0; i < h.gpus; i++) all.append(el("i", { class: `slot ${h.state}${h.service ? "" : " other"}`, title }));
  return all;
}

function legend() {
  return el("p", { class: "legend quiet" }, ...Object.entries(words).map(([k, word]) => el("span", null, el("i", { class: `slot ${k}` }), word)));
}
