import { $, clock, command, el, href, parts, put, seconds, since, span } from "./dom.js";
import { ask, state } from "./live.js";
import { charts, highlight } from "./charts.js";
import { kept, percent, promised, quantile, target } from "./promise.js";
import { mark, words } from "./services.js";
import { whatIf } from "./whatif.js";

const spans = { "15m": 900, "1h": 3600, "3h": 3 * 3600, "24h": 24 * 3600 };
let shown = null; // { id, query, frozen, drawing }
let asked = 0; // so that an answer to an earlier question is dropped

export function open(id, query, frozen) {
  const again = shown?.id === id;
  shown = { id, query, frozen, last: 0 };
  const root = $("service");
  root.hidden = false;
  if (!again) build(root, id);
  refresh();
}

export function close() {
  shown = null;
  asked++;
  charts(null);
  $("service").hidden = true;
  $("service").replaceChildren();
}

function build(root, id) {
  charts(null);
  const [namespace, name] = parts(id);
  const range = el("span", { class: "ranges" }, ...Object.keys(spans).map((k) => el("a", { href: `${href(id)}?last=${k}`, "data-last": k }, k)));
  const share = el("button", { type: "button", id: "share", title: "a link to this time, which does not move on", onclick: () => copy(share) }, "copy link");
  root.replaceChildren(
    el("header", { class: "service-head" },
      el("a", { class: "back", href: "#/" }, "← services"),
      el("h2", null, el("span", { class: "quiet" }, `${namespace}/`), name),
      range, shown.frozen ? null : share, shown.frozen ? null : el("a", { id: "export", href: "#" }, "export")),
    el("p", { id: "verdict", class: "verdict" }),
    el("p", { id: "promise", class: "verdict", hidden: true }),
    el("section", { class: "chain", "aria-label": "from the metric to the pods" }, el("ol", { id: "chain" })),
    el("div", { class: "split" },
      el("section", { class: "charts", "aria-label": "charts" }, el("p", { id: "charts-note", class: "quiet" }), el("div", { id: "charts" })),
      el("section", { class: "cards", "aria-labelledby": "cards-title" }, el("h3", { id: "cards-title" }, "Why now"), el("div", { id: "cards" }))),
    shown.frozen ? "" : whatIf(id),
  );
}

// range is the time that the address names; the last hour without one.
function range() {
  const from = Date.parse(shown.query.get("from") ?? ""), to = Date.parse(shown.query.get("to") ?? "");
  if (from < to) return { from: from / 1000, to: to / 1000, fixed: true };
  const end = Date.parse(state.view?.at ?? "") / 1000 || Date.now() / 1000;
  return { from: end - (spans[shown.query.get("last")] ?? 3600), to: end, fixed: false };
}

const iso = (s) => new Date(1000 * s).toISOString().replace(/\.\d+Z/, "Z");

async function copy(button) {
  const { from, to } = range();
  await navigator.clipboard.writeText(`${location.origin}${location.pathname}${href(shown.id)}?from=${iso(from)}&to=${iso(to)}`);
  put(button, "copied");
  setTimeout(() => put(button, "copy link"), 2000);
}

// refresh asks for what is open; what the stream says of a row is not all of it.
export async function refresh() {
  if (!shown || !state.view) return;
  const of = shown, mine = ++asked, r = range();
  for (const a of document.querySelectorAll("#service [data-last]")) a.toggleAttribute("aria-current", !r.fixed && (of.query.get("last") ?? "1h") === a.dataset.last);
  $("export")?.setAttribute("href", `export.html?${new URLSearchParams({ id: of.id, from: iso(r.from), to: iso(r.to) })}`);
  try {
    const detail = of.frozen?.detail ?? (await ask("api/service", { id: of.id }));
    if (mine !== asked) return;
    verdict(detail);
    chain(detail);
    // Long spans are of a Prometheus: they are not asked for at each look.
    const every = (r.to - r.from) / 240;
    const now = Date.parse(state.view.at) / 1000;
    record(of, detail, r);
    if (of.last && now - of.last < every && !r.fixed) return cards(of, detail);
    if (of.last && r.fixed) return cards(of, detail);
    const series = of.frozen?.series ?? (await ask("api/series", { id: of.id, from: iso(r.from), to: iso(r.to) }));
    if (mine !== asked) return;
    of.last = now;
    of.series = series;
    cards(of, detail);
    draw(of, r);
  } catch (error) {
    if (mine === asked) put($("verdict"), `${of.id}: ${error.message}`);
  }
}

// recordEvery is how many seconds what is recorded of a number that stays is taken for all.
const recordEvery = 15;

const recorded = (detail) => (detail.service.objectives ?? []).length > 0;

// record asks why a service with objectives has its replicas. Nothing waits for the answer,
// which goes by way of the API server.
async function record(of, detail, r) {
  const now = Date.parse(state.view.at) / 1000, desired = detail.service.desired;
  if (!recorded(detail) || (of.toldOf === desired && (r.fixed || now - of.toldAt < recordEvery))) return;
  [of.toldAt, of.toldOf] = [now, desired];
  try {
    of.told = of.frozen?.why ?? (await ask("api/why", { id: of.id, from: iso(r.from), to: iso(r.to) }));
  } catch (error) {
    of.told = { missing: error.message };
  }
  if (shown !== of) return;
  cards(of, detail);
  if (of.series) draw(of, range());
}

// wanted are the charts of a service, in the order in which one reads them.
function wanted(s) {
  const seen = s.seen, c = s.counted, p = s.promise;
  const ratio = seen.load.map((l, i) => {
    const n = seen.ready[i] + seen.starting[i] + seen.pending[i];
    return l == null || n === 0 ? null : l / n;
  });
  // A latency has its objective as a line, where there is one.
  const latency = (id, values) => {
    const o = p?.objectives.find((one) => one.metric === id), name = id.toUpperCase();
    const line = o && { line: o.targetSeconds, lineName: `objective ${target(o.targetSeconds)}` };
    return { id, title: `${name} ${quantile(c?.quantile ?? 0.9)}`, unit: "", at: c?.at, lines: [[name, values, "--accent"]], format: seconds, ...line };
  };
  return [
    p && { id: "kept", title: "Promise", unit: `requests within ${promised(p)}`, at: c?.at, lines: [["kept", c?.kept, "--accent"]], format: percent, ticks: (v) => `${Math.round(100 * v)} %`, share: true, line: p.share, lineName: `promised ${percent(p.share)}` },
    p && latency("ttft", c?.ttftSeconds),
    p && latency("tpot", c?.tpotSeconds),
    { id: "arrivals", title: "Arrivals", unit: "requests/s", at: c?.at, lines: [["arrivals", c?.arrivals, "--accent"]] },
    { id: "requests", title: "Requests", unit: "", at: c?.at, lines: [["running", c?.running, "--accent"], ["waiting at the engines", c?.waiting, "--warn", [4, 3]]] },
    { id: "held", title: "At the gateways", unit: "requests", at: seen.at, lines: [["held", seen.held, "--warn"], ["in flight", seen.inFlight, "--accent", [4, 3]]] },
    { id: "replicas", title: "Replicas", unit: "", at: seen.at, stacked: [["ready", seen.ready, "--ready"], ["starting", seen.starting, "--starting"], ["pending", seen.pending, "--pending"], ["draining", seen.draining, "--draining"]], lines: [["desired", seen.desired, "--ink", [], true]], marks: true },
    !p && { id: "target", title: "Metric over target", unit: "× the target for these replicas", at: seen.at, lines: [["ratio", ratio, "--accent"]], band: [1 - seen.toleranceDown, 1 + seen.toleranceUp], line: 1, bandName: "tolerance" },
    !p && latency("ttft", c?.ttftSeconds),
    !p && latency("tpot", c?.tpotSeconds),
  ].filter(Boolean);
}

function draw(of, r) {
  const { series, told } = of;
  promise(series);
  put($("charts-note"), series.note ?? "");
  $("charts-note").hidden = !series.note;
  const marks = (told?.changes ?? series.cards).map((c) => Date.parse(c.at) / 1000);
  charts({ root: $("charts"), all: wanted(series), marks, range: r, empty: "No data in this time. Choose another, or leave the page open: it keeps three hours of what it sees.", zoom: (from, to) => (location.hash = `${href(shown.id)}?from=${iso(from)}&to=${iso(to)}`) });
}

export function repaint() {
  if (shown?.series) {
    charts(null);
    draw(shown, range());
  }
}

function verdict(d) {
  const s = d.service, [shape, kind] = mark(s), question = document.querySelector(".what-if");
  if (question) question.hidden = ["objective", "advice", "refused"].includes(s.mode); // there is no target to try
  $("verdict").replaceChildren(
    el("span", { class: `mark ${kind}`, "aria-hidden": "true" }, shape), el("b", null, words(s.reason)),
    el("span", null, s.message), s.fix ? fix(s.fix) : "",
    el("span", { class: "quiet num" }, `${s.mode} mode · ${s.min}–${s.max} replicas · ${s.gpus} GPUs · ${s.gpuHours.toFixed(1)} GPU-h since ${clock(state.view.since)}${s.coldStartSeconds ? ` · cold start ${span(s.coldStartSeconds)}` : ""}`));
}

// promise says what of it was kept in the time that is shown.
function promise({ promise: p, counted: c }) {
  $("promise").hidden = !p;
  if (!p) return;
  const [shape, kind, share] = kept(p);
  const each = p.objectives.filter((o) => o.kept != null).map((o) => `${o.metric} ${percent(o.kept)}`).join(", ");
  const said = p.kept != null ? `${share} of the requests in this time are within it (${each}), ${percent(p.share)} are promised`
    : c ? "no request was counted in this time" : "what of it is kept is counted by a Prometheus";
  $("promise").replaceChildren(el("span", { class: `mark ${kind}`, "aria-hidden": "true" }, shape), el("b", null, `promise ${promised(p)}`), el("span", { class: "num" }, said));
}

// fix is a command, or advice in words.
const fix = (text) => (/^(kubectl|flyball) /.test(text) ? command(text) : el("span", null, text));

function chain(d) {
  const now = state.view.at;
  $("chain").replaceChildren(...d.chain.map((g) => el("li", { class: g.broken ? "broken" : "", "data-link": g.link },
    el("span", { class: "link-name" }, el("span", { class: `mark ${g.broken ? "bad" : "good"}`, "aria-hidden": "true" }, g.broken ? "✕" : "✓"), el("span", { class: "sr" }, g.broken ? "broken: " : ""), g.link),
    el("span", { class: "said" }, g.said), g.since ? el("span", { class: "quiet num" }, since(g.since, now)) : null, g.fix ? fix(g.fix) : null)));
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

function card(c, more) {
  const title = c.from === c.to ? `${c.to}` : `${c.from} → ${c.to}`;
  return el("article", { class: "card", tabindex: "0", "data-at": Date.parse(c.at) / 1000, ...more },
    el("p", { class: "num" }, el("time", { datetime: c.at }, clock(c.at)), " ", el("b", null, title)), el("p", null, sentence(c.text)));
}

// decision is a card in the words of flyball why. The number that holds now has all of them.
function decision(c, now, more) {
  const [first, ...rest] = c.sentences;
  const title = now || c.before === c.replicas ? `${c.replicas}` : `${c.before} → ${c.replicas}`;
  return el("article", { class: "card", tabindex: "0", "data-at": Date.parse(c.at) / 1000, ...more },
    el("p", { class: "num" }, el("time", { datetime: c.at }, clock(c.at)), " ", el("b", null, title), c.because ? el("span", { class: "quiet" }, ` ${c.because.join(", ")}`) : null),
    el("details", { open: now }, el("summary", null, first), ...rest.map((line) => el("p", null, line))));
}

// decisions are the cards of a service with objectives.
function decisions(d, told) {
  if (!told) return [el("p", { class: "quiet" }, "Asking the scaler for its record…")];
  const point = (e) => highlight(Number(e.currentTarget.dataset.at));
  const all = (told.changes ?? []).map((c) => decision(c, false, { onmouseenter: point, onfocus: point }));
  if (told.missing) {
    return [card(d.now, { class: "card now" }), el("p", { id: "untold", class: "bad" }, `✕ what was decided cannot be told: ${told.missing}`), ...(told.fix ?? []).map((line) => el("p", null, fix(line)))];
  }
  const now = told.last ? decision(told.last, true, { class: "card now" }) : card(d.now, { class: "card now" });
  return [now, ...all, all.length === 0 ? el("p", { class: "quiet" }, "No change in this time.") : "", ...(told.notes ?? []).map((line) => el("p", { class: "quiet" }, line))];
}

// show puts cards where others are; those that say the same stay, with what is open of them.
function show(key, drawn) {
  const root = $("cards");
  if (root.dataset.key === key) return;
  root.dataset.key = key;
  root.replaceChildren(...drawn());
}

function cards(of, d) {
  const series = of.series;
  if (recorded(d)) return show(JSON.stringify([of.told, of.told?.missing ? d.now.text : ""]), () => decisions(d, of.told));
  const from = Date.parse(series?.from ?? 0), to = Date.parse(series?.to ?? d.now.at);
  const all = d.cards.filter((c) => Date.parse(c.at) >= from && Date.parse(c.at) <= to);
  const point = (e) => highlight(Number(e.currentTarget.dataset.at));
  const drawn = () => [card(d.now, { class: "card now" }), ...all.map((c) => card(c, { onmouseenter: point, onfocus: point })),
    all.length === 0 ? el("p", { class: "quiet" }, `No change since ${clock(Math.max(from, Date.parse(state.view.since)))}.`) : ""];
  show(JSON.stringify([d.now, all]), drawn);
}
