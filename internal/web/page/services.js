import { $, el, href, lazily, parts, put, set, short } from "./dom.js";
import { late } from "./draw.js";
import { state } from "./live.js";
import { kept, promised } from "./promise.js";
import { spark } from "./spark.js";

const rows = lazily($("rows"), make);

// mark says by its shape what colour says too.
export function mark(s) {
  if (s.attention) return ["▲", "bad"];
  if (s.reason === "Unseen") return ["?", "quiet"];
  if (["Starting", "Waking", "Deleting", "Waiting", "WaitingForKEDA", "Learning"].includes(s.reason)) return ["◐", "moving"];
  if (["Asleep", "Stopped", "Unscaled"].includes(s.reason)) return ["○", "quiet"];
  return ["●", "good"];
}

// words are a reason's, as in AtMaximum: at maximum.
export const words = (reason) => reason.replace(/([a-z])([A-Z])|([A-Z])(?=[A-Z][a-z])/g, "$1$3 $2").toLowerCase().replaceAll("hpa", "HPA").replace("gpu", "GPU").replace("keda", "KEDA");

const breaks = (s) => s.promise?.kept != null && s.promise.kept < s.promise.share;

// What needs attention comes first, and then who does not keep a promise.
export function* services() {
  const all = [...state.services.values()].sort((a, b) => b.attention - a.attention || breaks(b) - breaks(a) || (a.id < b.id ? -1 : 1));
  $("services").classList.toggle("promises", all.some((s) => s.promise));
  yield* rows.draw(all.map((s) => [s.id, s]), late);
  filter();
}

const cell = (name) => el("span", { class: name });

function make(id) {
  const [namespace, name] = parts(id);
  const title = el("span", { class: "name" }, el("span", { class: "quiet" }, `${namespace}/`), name);
  const r = { root: el("a", { class: "row", href: href(id), "data-id": id }, title) };
  r.enter = () => {
    cells(r);
    r.root.append(el("span", { class: "state" }, r.mark, r.reason), r.spark.root, r.ready, r.bounds, r.metric, r.promise, r.held, r.gpus, r.hours, r.why);
  };
  r.leave = () => {
    r.root.replaceChildren(title);
    r.of = null;
  };
  // The line is drawn also where nothing else changed: its end is the present.
  r.show = (s) => {
    if (r.of !== s) tell(r, s);
    line(r);
  };
  return r;
}

function cells(r) {
  Object.assign(r, {
    mark: cell("mark"), reason: cell("reason"), ready: cell("ready num r"), bounds: cell("bounds num r quiet"), metric: cell("metric num r"), promise: cell("promise num"),
    held: cell("held num r"), gpus: cell("gpus num r"), hours: cell("hours num r quiet"), why: cell("why quiet"), spark: spark(),
  });
}

function tell(r, s) {
  r.of = s;
  const [shape, kind] = mark(s);
  put(r.mark, shape);
  set(r.mark, "class", `mark ${kind}`);
  put(r.reason, words(s.reason));
  put(r.ready, s.desired == null ? "–" : `${s.ready ?? 0}/${s.desired}`);
  put(r.bounds, `${s.min}–${s.max}`);
  const m = s.metrics?.[0];
  put(r.metric, m && !s.promise ? `${m.current.replace("<unknown>", "?")} / ${m.target}` : "–");
  promise(r.promise, s.promise);
  put(r.held, s.held == null ? "–" : String(s.held));
  put(r.gpus, String(s.gpus));
  put(r.hours, s.gpuHours.toFixed(1));
  put(r.why, s.message);
  set(r.why, "title", s.message);
  r.root.classList.toggle("attention", s.attention);
}

// A promise gives up its words for want of room, and not what is kept of it.
function promise(cell, p) {
  cell.classList.toggle("none", !p);
  if (!p) return cell.replaceChildren();
  const [shape, kind, share] = kept(p), words = promised(p);
  set(cell, "title", `${words}: ${share}${p.kept == null ? "" : " of the requests of the last 30 minutes"}`);
  cell.replaceChildren(el("span", { class: `mark ${kind}` }, shape), el("span", { class: "what" }, `${words}:`), el("span", { class: "share" }, share));
}

export function filter() {
  const text = $("filter").value.trim().toLowerCase();
  let shown = 0;
  for (const [id, r] of rows.kept) {
    const hit = text === "" || `${id} ${r.next.reason} ${words(r.next.reason)} ${r.next.mode}`.toLowerCase().includes(text);
    if (r.root.hidden === hit) r.root.hidden = !hit;
    if (hit) shown++;
  }
  const none = $("none");
  none.hidden = shown > 0 || !state.view;
  if (!none.hidden) put(none, rows.kept.size > 0 ? `No service matches “${text}”.` : `No InferenceService: ${state.view?.scope ?? ""}. A first one: docs/first-service.md`);
}

function line(r) {
  const t = state.trends.get(r.root.dataset.id);
  if (!t?.at.length) return;
  r.spark.draw(t);
  set(r.spark.root, "aria-label", `${r.of.promise ? "asked for" : "load"} ${short(r.of.load)} replicas, ${r.of.replicas.Ready} ready`);
}

// visible are the rows that the filter leaves, in their order.
export const visible = () => [...$("rows").children].filter((e) => !e.hidden);
