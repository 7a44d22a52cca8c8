import { charts, curve, valued } from "./charts.js";
import { $, seconds } from "./dom.js";

const run = JSON.parse($("frozen").textContent);
const end = Math.max(1, ...run.laws.map((l) => l.series.at.at(-1) ?? 0));
let range = { from: 0, to: end };

// since writes a time of the run, from its start on.
function since(t) {
  const part = (size, unit) => {
    const n = Math.floor((t + 1e-6) / size);
    t -= n * size;
    return n > 0 ? `${n}${unit}` : "";
  };
  return (part(86400, "d ") + part(3600, "h") + part(60, "m") + part(1, "s")).trim() || "0";
}

// kinds are the charts that each law has, in the order in which one reads them.
const kinds = [
  { id: "replicas", title: "Replicas", stacked: [["ready", "--ready"], ["starting", "--starting"], ["pending", "--pending"], ["draining", "--draining"]], lines: [["desired", "--ink", [], true]] },
  { id: "waiting", title: "Waiting requests", lines: [["waiting", "--warn"]] },
  { id: "ttft", title: "TTFT p90", lines: [["ttft", "--accent"]], name: "TTFT", format: seconds, line: run.ttftSeconds },
  { id: "tpot", title: "TPOT p90", lines: [["tpot", "--accent"]], name: "TPOT", format: seconds, line: run.tpotSeconds },
  { id: "cost", title: `Cost so far, ${run.currency}`, lines: [["cost", "--accent"]] },
];

// of is a kind's chart of a law.
function of(kind, law, i) {
  const s = law.series, values = (one) => one?.map(([name, ...rest]) => [kind.name ?? name, s[name], ...rest]);
  return {
    id: `${kind.id}-${i}`, title: law.name, unit: "", at: s.at, times: (_, ticks) => ticks.map(since), format: kind.format,
    lines: values(kind.lines), stacked: values(kind.stacked), line: kind.line || undefined, lineName: kind.line ? `objective ${seconds(kind.line)}` : undefined,
  };
}

// highest is what is drawn of a chart: the layers lie on each other.
function highest(w) {
  const sums = w.at.map((_, i) => (w.stacked ?? []).reduce((sum, [, values]) => sum + (values[i] ?? 0), 0));
  return Math.max(...sums, ...w.lines.flatMap(([, values]) => values.map((v) => v ?? 0)));
}

// rows has all laws' charts of a kind beside each other, on one scale.
function rows() {
  const first = run.laws.find((l) => l.series.at.length > 0);
  const arrivals = { id: "arrivals", title: "Arrivals", unit: "requests/s, the same for all laws", at: first?.series.at, times: (_, ticks) => ticks.map(since), lines: [["arrivals", first?.series.arrivals, "--accent"]], wide: true };
  return [arrivals, ...kinds.flatMap((kind) => {
    const all = run.laws.map((law, i) => of(kind, law, i)).filter(valued), top = Math.max(...all.map(highest));
    return all.map((w, i) => ({ ...w, top, heading: i === 0 ? kind.title : undefined }));
  })];
}

const all = rows();

$("charts").style.setProperty("--laws", Math.min(4, Math.max(1, run.laws.length)));

function draw() {
  $("whole").hidden = range.from === 0 && range.to === end;
  charts({ root: $("charts"), all, marks: [], range, empty: "No run was drawn.", zoom: (from, to) => show({ from, to }) });
}

function show(next) {
  range = next;
  draw();
}

function curves() {
  const root = $("curve"), place = root.querySelector(".plot");
  root.hidden = run.laws.length < 2;
  if (root.hidden) return;
  place.replaceChildren();
  curve(place, run.laws, { promise: run.promise, height: 240 });
}

$("whole").addEventListener("click", () => show({ from: 0, to: end }));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  charts(null);
  curves();
  draw();
});
curves();
draw();
