import { $, el, href, parts, put, short } from "./dom.js";
import { state } from "./live.js";
import { spark } from "./spark.js";

const rows = new Map(); // by id
let order = "";
const seen = new Set(); // ids of the rows on the screen
const watcher = new IntersectionObserver((entries) => {
  for (const e of entries) {
    if (!e.isIntersecting) seen.delete(e.target.dataset.id);
    else {
      seen.add(e.target.dataset.id);
      draw(e.target.dataset.id);
    }
  }
}, { rootMargin: "200px" });

// mark says by its shape what colour says too.
export function mark(s) {
  if (s.attention) return ["▲", "bad"];
  if (s.reason === "Unseen") return ["?", "quiet"];
  if (["Starting", "Waking", "Deleting"].includes(s.reason)) return ["◐", "moving"];
  if (["Asleep", "Stopped", "Unscaled"].includes(s.reason)) return ["○", "quiet"];
  return ["●", "good"];
}

// words are a reason's, as in AtMaximum: at maximum.
export const words = (reason) => reason.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase().replaceAll("hpa", "HPA").replace("gpu", "GPU").replace("keda", "KEDA");

export function services() {
  for (const [id, s] of state.services) update(rows.get(id) ?? make(id), s);
  for (const [id, r] of rows) {
    if (state.services.has(id)) continue;
    watcher.unobserve(r.root);
    r.root.remove();
    rows.delete(id);
  }
  sort();
  filter();
  for (const id of seen) draw(id);
}

function make(id) {
  const cell = (name) => el("span", { class: name });
  const r = {
    name: cell("name"), mark: cell("mark"), reason: cell("reason"), ready: cell("ready num r"), bounds: cell("bounds num r quiet"), metric: cell("metric num r"),
    held: cell("held num r"), gpus: cell("gpus num r"), hours: cell("hours num r quiet"), why: cell("why quiet"), canvas: el("canvas", { class: "spark", role: "img" }),
  };
  const [namespace, name] = parts(id);
  r.name.append(el("span", { class: "quiet" }, `${namespace}/`), name);
  r.root = el("a", { class: "row", href: href(id), "data-id": id }, r.name, el("span", { class: "state" }, r.mark, r.reason), r.canvas,
    r.ready, r.bounds, r.metric, r.held, r.gpus, r.hours, r.why);
  rows.set(id, r);
  $("rows").append(r.root);
  watcher.observe(r.root);
  order = "";
  return r;
}

function update(r, s) {
  if (r.of === s) return;
  r.of = s;
  const [shape, kind] = mark(s);
  put(r.mark, shape);
  r.mark.className = `mark ${kind}`;
  put(r.reason, words(s.reason));
  put(r.ready, s.desired == null ? "–" : `${s.ready ?? 0}/${s.desired}`);
  put(r.bounds, `${s.min}–${s.max}`);
  const m = s.metrics?.[0];
  put(r.metric, m ? `${m.current.replace("<unknown>", "?")} / ${m.target}` : "–");
  put(r.held, s.held == null ? "–" : String(s.held));
  put(r.gpus, String(s.gpus));
  put(r.hours, s.gpuHours.toFixed(1));
  put(r.why, s.message);
  r.why.title = s.message;
  r.root.classList.toggle("attention", s.attention);
}

// sort puts what needs attention first.
function sort() {
  const ids = [...state.services.keys()].sort((a, b) => state.services.get(b).attention - state.services.get(a).attention || (a < b ? -1 : 1));
  const now = ids.join();
  if (now === order) return;
  order = now;
  const focused = document.activeElement;
  $("rows").append(...ids.map((id) => rows.get(id).root));
  if (focused?.classList.contains("row")) focused.focus({ preventScroll: true });
}

export function filter() {
  const text = $("filter").value.trim().toLowerCase();
  let shown = 0;
  for (const [id, r] of rows) {
    const hit = text === "" || `${id} ${r.of.reason} ${words(r.of.reason)} ${r.of.mode}`.toLowerCase().includes(text);
    if (r.root.hidden === hit) r.root.hidden = !hit;
    if (hit) shown++;
  }
  const none = $("none");
  none.hidden = shown > 0 || !state.view;
  if (!none.hidden) put(none, rows.size > 0 ? `No service matches “${text}”.` : `No InferenceService: ${state.view?.scope ?? ""}. A first one: docs/first-service.md`);
}

function draw(id) {
  const r = rows.get(id), t = state.trends.get(id);
  if (!r || !t) return;
  const last = t.at.at(-1);
  if (r.drawn === last) return;
  r.drawn = last;
  spark(r.canvas, t);
  r.canvas.setAttribute("aria-label", `load ${short(r.of.load)} replicas, ${r.of.replicas.Ready} ready`);
}

export function redraw() {
  for (const r of rows.values()) r.drawn = null;
  for (const id of seen) draw(id);
}

// visible are the rows that the filter leaves, in their order.
export const visible = () => [...$("rows").children].filter((e) => !e.hidden);
