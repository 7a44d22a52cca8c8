import { el, short } from "./dom.js";
import uPlot from "./vendor/uPlot.js";

// The charts of a page share their time and their cursor.
const sync = "flyball";
let plots = [];
let layout = "";
let marks = []; // times of decisions

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// valued tells whether there is anything to draw of a chart:
//   id, title, unit, heading   which it is, and what stands above it; wide: over all columns
//   at, lines, stacked         times, and [name, values, colour, dash, stepped] of each line and layer
//   format, ticks, times       how values, and places on the axes, are written
//   line, lineName, band, bandName, top, share, marks   what is drawn and shown beside the values
export const valued = (w) => w.at?.length > 0 && [...w.lines, ...(w.stacked ?? [])].some(([, values]) => values?.some((v) => v != null));

// charts draws anew, or only new values where the same charts are there. null takes them away.
export function charts(of) {
  if (!of) {
    for (const p of plots) p.u.destroy();
    plots = [];
    layout = "";
    return;
  }
  const { root, range, zoom } = of;
  marks = of.marks;
  const all = of.all.filter(valued);
  const key = all.map((w) => w.id).join();
  if (key !== layout) {
    charts(null);
    layout = key;
    root.replaceChildren();
    if (all.length === 0) root.append(el("p", { class: "quiet empty" }, of.empty));
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
  if (w.heading) root.append(el("h3", { class: "heading" }, w.heading));
  const readout = el("span", { class: "readout" });
  const holder = el("div", { class: "plot" });
  root.append(el("figure", { class: w.wide ? "chart wide" : "chart", "data-chart": w.id }, el("figcaption", null, el("b", null, w.title), " ", el("span", { class: "quiet" }, w.unit), readout), holder));
  const p = { w, readout, holder, range: null };
  const axis = axes();
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
    axes: [{ ...axis, size: 22, values: w.times ?? times }, { ...axis, size: 46, values: (_, ticks) => ticks.map(w.ticks ?? format), space: 28 }],
    series,
    bands: (w.stacked ?? []).slice(1).map((_, i) => ({ series: [i + 1, i + 2] })),
    hooks: { drawClear: [(u) => under(u, p)], draw: [(u) => over(u, p)], setCursor: [(u) => read(u, p)], setSelect: [(u) => pick(u, zoom)] },
  }, [[0]], holder);
  fit(p.u, holder);
  return p;
}

const axes = () => ({ stroke: style("--quiet"), grid: { stroke: style("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" });

// fit keeps a chart as wide as its place.
function fit(u, holder) {
  new ResizeObserver(() => {
    const width = Math.max(200, holder.clientWidth);
    if (u.width !== width) u.setSize({ width, height: u.height });
  }).observe(holder);
}

// reach is what an axis shows: from zero to what is drawn and its line, of shares up to all.
function reach(w, min, max) {
  if (w.share) return [Math.max(0, Math.min(min ?? 1, w.line) - 0.05), 1.01];
  return [0, Math.max(w.top ?? max ?? 0, w.band ? 1.5 : 0, w.line ?? 0, 1e-3) * 1.08];
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

// curve draws the share of requests within a promise over GPU-hours: points with their interval and
// their name, and a line through those that are on it. chosen is the index of the one in a ring.
export function curve(root, points, { promise, height, chosen }) {
  const names = points.map((p) => el("span", { class: "point" }, p.name));
  const order = [...points].sort((a, b) => a.gpuHours - b.gpuHours);
  const least = Math.min(promise, ...points.map((p) => p.attainment)), most = Math.max(...points.map((p) => p.gpuHours), 1e-3);
  const u = new uPlot({
    width: Math.max(200, root.clientWidth), height, padding: [10, 24, 0, 0], legend: { show: false }, cursor: { show: false },
    scales: { x: { time: false, range: [0, most * 1.08] }, y: { range: [Math.max(0, least - 0.03), 1.005] } },
    axes: [{ ...axes(), size: 22, values: (_, ticks) => ticks.map(short) }, { ...axes(), size: 50, values: (_, ticks) => ticks.map((v) => `${Number((100 * v).toFixed(1))} %`) }],
    series: [{}, { stroke: style("--accent"), width: 1.5, spanGaps: true, points: { show: false } }],
    hooks: { draw: [(u) => dots(u, points, promise, chosen), (u) => name(u, points, names)] },
  }, [order.map((p) => p.gpuHours), order.map((p) => (p.on ? p.attainment : null))], root);
  u.over.append(...names);
  fit(u, root);
  return u;
}

function dots(u, points, promise, chosen) {
  const c = u.ctx, ratio = devicePixelRatio || 1, level = u.valToPos(promise, "y", true);
  c.save();
  c.font = `${11 * ratio}px system-ui, sans-serif`;
  c.textAlign = "left"; // the axes leave theirs
  c.textBaseline = "alphabetic";
  c.fillStyle = style("--quiet");
  rule(c, u.bbox.left, u.bbox.width, level, style("--quiet"));
  c.fillText(`promise ${Number((100 * promise).toFixed(3))} %`, u.bbox.left + 4 * ratio, level - 4 * ratio);
  c.setLineDash([]);
  c.lineWidth = ratio;
  points.forEach((p, i) => {
    const x = u.valToPos(p.gpuHours, "x", true), y = u.valToPos(p.attainment, "y", true);
    const half = Math.abs(u.valToPos(p.attainment + p.half, "y", true) - y);
    c.strokeStyle = style("--quiet");
    c.beginPath();
    c.moveTo(x, y - half);
    c.lineTo(x, y + half);
    c.stroke();
    c.fillStyle = style(p.on ? "--accent" : "--quiet");
    c.beginPath();
    c.arc(x, y, (p.hollow ? 6 : 4) * ratio, 0, 7); // a ring hides no dot
    if (p.hollow) c.stroke();
    else c.fill();
    if (i !== chosen?.()) return;
    c.lineWidth = 2 * ratio;
    c.beginPath();
    c.arc(x, y, 7 * ratio, 0, 7);
    c.stroke();
    c.lineWidth = ratio;
  });
  c.restore();
}

// name puts each name below its dot, to the right of it, within the chart and where it hides no
// dot and none of the other names.
function name(u, points, names) {
  const width = u.over.clientWidth, at = points.map((p) => [u.valToPos(p.gpuHours, "x"), u.valToPos(p.attainment, "y")]);
  const placed = at.map(([x, y]) => ({ left: x - 5, right: x + 5, top: y - 5, bottom: y + 5 }));
  at.forEach(([x, y], i) => {
    const e = names[i], w = e.offsetWidth, h = e.offsetHeight;
    const left = Math.max(0, x + 8 + w <= width + 20 ? x + 8 : x - 8 - w);
    const near = placed.filter((o) => left < o.right && o.left < left + w), best = y + 3;
    const far = (t) => Math.abs(t - best) + (t < best ? 1 : 0); // rather below
    const tops = [best, ...near.flatMap((o) => [o.bottom, o.top - h])].sort((a, b) => far(a) - far(b));
    const top = tops.find((t) => near.every((o) => t >= o.bottom || o.top >= t + h));
    placed.push({ left, right: left + w, top, bottom: top + h });
    e.style.left = `${left}px`;
    e.style.top = `${top}px`;
  });
}
