/* global uPlot */
import { el, seconds, short } from "./dom.js";
import { percent, promised, quantile, target } from "./promise.js";

// The charts of one service share their time and their cursor.
const sync = "flyball";
let plots = [];
let layout = "";
let marks = []; // times of decisions

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Each chart: its title, what is drawn, and of which series. A chart without a value is left
// out, and named in a line.
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

const valued = (w) => w.at?.length > 0 && [...w.lines, ...(w.stacked ?? [])].some(([, values]) => values?.some((v) => v != null));

// charts draws anew, or only new values where the same charts are there. null takes them away.
export function charts(of) {
  if (!of) {
    for (const p of plots) p.u.destroy();
    plots = [];
    layout = "";
    return;
  }
  const { root, series, range, zoom } = of;
  marks = of.marks;
  const all = wanted(series).filter(valued);
  const key = all.map((w) => w.id).join();
  if (key !== layout) {
    charts(null);
    layout = key;
    root.replaceChildren();
    if (all.length === 0) root.append(el("p", { class: "quiet empty" }, "No data in this time. Choose another, or leave the page open: it keeps three hours of what it sees."));
    plots = all.map((w) => plot(w, root, zoom));
  }
  for (const p of plots) {
    p.w = all.find((w) => w.id === p.w.id);
    p.range = [range.from, range.to];
    p.u.setData(data(p.w));
  }
}

function data(w) {
  const stacked = [];
  let sum = w.at.map(() => 0);
  for (const [, values] of w.stacked ?? []) stacked.push((sum = sum.map((s, i) => s + (values[i] ?? 0))));
  const rest = w.lines.map(([, values]) => values ?? w.at.map(() => null));
  return [w.at, ...stacked.reverse(), ...rest];
}

function plot(w, root, zoom) {
  const readout = el("span", { class: "readout" });
  const holder = el("div", { class: "plot" });
  root.append(el("figure", { class: "chart", "data-chart": w.id }, el("figcaption", null, el("b", null, w.title), " ", el("span", { class: "quiet" }, w.unit), readout), holder));
  const p = { w, readout, holder, range: null };
  const ink = style("--quiet"), grid = style("--line");
  const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const format = w.format ?? short;
  const series = [{}];
  for (const [name, , colour] of [...(w.stacked ?? [])].reverse()) {
    series.push({ label: name, stroke: style(colour), fill: pattern(name, colour), width: 1, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } });
  }
  for (const [name, , colour, dash, step] of w.lines) {
    series.push({ label: name, stroke: style(colour), width: 1.5, dash, points: { show: false }, spanGaps: false, paths: step ? uPlot.paths.stepped({ align: 1 }) : undefined });
  }
  p.u = new uPlot({
    width: Math.max(200, holder.clientWidth), height: w.stacked ? 150 : 110, padding: [6, 18, 0, 0],
    tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), "UTC"),
    legend: { show: false },
    cursor: { sync: { key: sync, scales: ["x", null] }, points: { size: 5 }, drag: { x: true, y: false } },
    scales: { x: { time: true, range: () => p.range }, y: { range: (_, min, max) => reach(p.w, min, max) } },
    axes: [{ ...axis, size: 22, values: times }, { ...axis, size: 46, values: (_, ticks) => ticks.map(w.ticks ?? format), space: 28 }],
    series,
    bands: (w.stacked ?? []).slice(1).map((_, i) => ({ series: [i + 1, i + 2] })),
    hooks: { drawClear: [(u) => under(u, p)], draw: [(u) => over(u, p)], setCursor: [(u) => read(u, p)], setSelect: [(u) => pick(u, zoom)] },
  }, [[0]], holder);
  return p;
}

// reach is what an axis shows: from zero to what is drawn and its line, of shares up to all.
function reach(w, min, max) {
  if (w.share) return [Math.max(0, Math.min(min ?? 1, w.line) - 0.05), 1.01];
  return [0, Math.max(max ?? 0, w.band ? 1.5 : 0, w.line ?? 0, 1e-3) * 1.08];
}

// times are 24-hour clocks, with the day where that changes.
function times(_, ticks) {
  let day = "";
  return ticks.map((t) => {
    const text = new Date(1000 * t).toISOString();
    const wrote = text.slice(0, 10) === day ? "" : text.slice(0, 10) !== new Date().toISOString().slice(0, 10) ? `\n${text.slice(5, 10)}` : "";
    day = text.slice(0, 10);
    return (ticks.length > 1 && ticks[1] - ticks[0] < 60 ? text.slice(11, 19) : text.slice(11, 16)) + wrote;
  });
}

// pattern keeps the states apart without colour: hatched, dotted, crossed.
function pattern(name, colour) {
  const ratio = devicePixelRatio || 1, size = Math.round(6 * ratio);
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const c = tile.getContext("2d");
  c.fillStyle = style(colour);
  c.strokeStyle = style(colour);
  c.lineWidth = ratio;
  if (name === "ready") return style("--ready-fill");
  c.globalAlpha = 0.55;
  if (name === "starting") for (const o of [-size, 0, size]) { c.moveTo(o, size); c.lineTo(o + size, 0); }
  if (name === "pending") c.fillRect(0, 0, ratio * 2, ratio * 2);
  if (name === "draining") for (const o of [-size, 0, size]) { c.moveTo(o, 0); c.lineTo(o + size, size); }
  c.stroke();
  return c.createPattern(tile, "repeat");
}

// under draws the tolerance and the target below the lines.
function under(u, { w }) {
  const c = u.ctx, { left, width, top, height } = u.bbox;
  c.save();
  c.beginPath();
  c.rect(left, top, width, height);
  c.clip();
  if (w.band) {
    const [low, high] = w.band.map((v) => u.valToPos(v, "y", true));
    c.fillStyle = style("--band");
    c.fillRect(left, high, width, low - high);
  }
  if (w.line != null) rule(c, left, width, u.valToPos(w.line, "y", true), style(w.lineName ? "--ink" : "--quiet"));
  c.restore();
}

function rule(c, left, width, y, colour) {
  c.strokeStyle = colour;
  c.lineWidth = 1;
  c.setLineDash([2, 3]);
  c.beginPath();
  c.moveTo(left, y);
  c.lineTo(left + width, y);
  c.stroke();
}

// over draws a mark for each decision.
function over(u, p) {
  if (!p.w.marks) return;
  const c = u.ctx, { top, height, left, width } = u.bbox, ratio = devicePixelRatio || 1;
  c.save();
  for (const at of marks) {
    const x = u.valToPos(at, "x", true);
    if (x < left || x > left + width) continue;
    c.strokeStyle = c.fillStyle = style(at === p.picked ? "--accent" : "--quiet");
    c.lineWidth = (at === p.picked ? 2 : 1) * ratio;
    c.setLineDash([2 * ratio, 3 * ratio]);
    c.beginPath();
    c.moveTo(x, top);
    c.lineTo(x, top + height);
    c.stroke();
    c.beginPath();
    c.moveTo(x - 4 * ratio, top);
    c.lineTo(x + 4 * ratio, top);
    c.lineTo(x, top + 6 * ratio);
    c.fill();
  }
  c.restore();
}

// read writes what the cursor is on, or else the last values.
function read(u, p) {
  if (!p.w.at?.length) return;
  const at = u.cursor.idx ?? p.w.at.length - 1;
  const format = p.w.format ?? short;
  const parts = [...(p.w.stacked ?? []), ...p.w.lines].map(([name, values, colour, dash]) =>
    [name, values?.[at], colour, dash]).filter(([, v], i) => v != null && (v !== 0 || i === 0 || !p.w.stacked));
  p.readout.replaceChildren(...parts.map(([name, v, colour]) => el("span", { class: "key num" }, el("i", { class: `swatch c${colour}` }), `${name} ${format(v)}`)),
    ...(p.w.lineName ? [el("span", { class: "key" }, el("i", { class: "swatch c--rule" }), p.w.lineName)] : []),
    ...(p.w.band ? [el("span", { class: "key" }, el("i", { class: "swatch c--band" }), `${p.w.bandName} ±${Math.round(100 * (p.w.band[1] - 1))} %`)] : []));
}

function pick(u, zoom) {
  if (u.select.width < 8) return;
  zoom(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
  u.setSelect({ width: 0, height: 0 }, false);
}

// highlight puts the cursor of all charts on a time.
export function highlight(at) {
  for (const p of plots) {
    p.picked = at;
    if (p.w.marks) p.u.redraw(false);
  }
  const first = plots[0]?.u;
  if (first) first.setCursor({ left: first.valToPos(at, "x"), top: 0 });
}

new ResizeObserver(() => {
  for (const p of plots) {
    const width = Math.max(200, p.holder.clientWidth);
    if (p.u.width !== width) p.u.setSize({ width, height: p.u.height });
  }
}).observe(document.body);
