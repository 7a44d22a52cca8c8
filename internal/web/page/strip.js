import { $, command, el, put, short } from "./dom.js";

const count = (n, one) => `${n} ${one}${n === 1 ? "" : "s"}`;

// The whole in a line, what needs attention first.
export function strip(view) {
  const s = view.strip;
  const parts = [];
  if (s.attention > 0) parts.push(el("b", { class: "bad" }, `▲ ${count(s.attention, "service")} ${s.attention === 1 ? "needs" : "need"} attention`));
  if (s.promised > 0) parts.push(promises(s));
  const others = s.services - s.promised;
  if (s.services === 0) parts.push("no services");
  else if (others > 0) parts.push(`${others - s.amiss} of ${s.promised > 0 ? count(others, "other") : count(others, "service")} as declared`);
  parts.push(s.gpus == null ? `${s.gpusHeld} GPUs held` : `${s.gpusHeld}/${s.gpus} GPUs`);
  if (s.perHour != null) parts.push(`${short(s.perHour)} ${s.currency}/h`);
  if (s.held != null) parts.push(`${s.held} held`);
  const line = [];
  for (const part of parts) line.push(el("span", { class: "part num" }, part));
  $("strip").replaceChildren(...line);
  put($("where"), `${view.cluster} · ${view.scope}`);
  document.title = s.attention > 0 ? `(${s.attention}) Flyball` : "Flyball";
}

// promises counts the services that have one.
function promises(s) {
  const keep = s.promised === 1 ? "keeps its promise" : "keep their promise";
  return `${s.keeping} of ${count(s.promised, "service")} ${keep}${s.untold > 0 ? `, ${s.untold} not known` : ""}`;
}

const marks = { fail: "✕", warn: "▲", info: "·" };
let drawn = "";

// What the page lacks and what is wrong with the cluster, each with what mends it.
export function notes(view) {
  const now = JSON.stringify(view.notes);
  if (now === drawn) return;
  drawn = now;
  const all = (view.notes ?? []).map((n) =>
    el("li", { class: `note ${n.level}` },
      el("span", { class: "mark", "aria-hidden": "true" }, marks[n.level] ?? "·"),
      el("span", { class: "sr" }, n.level), el("b", null, n.what), el("span", null, n.found),
      n.fix ? command(n.fix) : null));
  const failed = (view.notes ?? []).filter((n) => n.level === "fail").length;
  $("notes").replaceChildren();
  if (all.length === 0) return;
  const title = failed > 0 ? `${count(failed, "fault")} of the cluster` : "Notes";
  const open = document.body.dataset.notes !== "shut" && (failed > 0 || all.length <= 2);
  const box = el("details", { open }, el("summary", null, title, el("span", { class: "quiet" }, ` · ${all.length}`)), el("ul", null, ...all));
  $("notes").append(box);
}
