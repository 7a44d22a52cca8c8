import { curve } from "./charts.js";
import { command, el, parts, put, seconds, short } from "./dom.js";

// What would have been with other targets: the last day of a service, simulated.

export function whatIf(id) {
  const field = (name, label, value, size) => el("label", null, label, " ", el("input", { name, value, size, autocomplete: "off", spellcheck: "false" }));
  const out = el("div", { class: "answer", "aria-live": "polite" });
  const go = el("button", { type: "submit" }, "simulate");
  const form = el("form", { class: "question" },
    field("values", "targets", "1..8", 9), field("objectives", "promise", "ttft:p90:3s tpot:p90:100ms", 27), field("last", "over the last", "24h", 5), go);
  let stream = null;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    stream?.close();
    const f = new FormData(form), q = new URLSearchParams({ id, values: f.get("values"), last: f.get("last") });
    for (const o of f.get("objectives").split(/[\s,]+/).filter(Boolean)) q.append("objective", o);
    out.replaceChildren(el("p", { class: "quiet" }, "reading what was counted…"));
    go.disabled = true;
    stream = new EventSource(`api/whatif?${q}`);
    const end = () => {
      stream.close();
      go.disabled = false;
    };
    stream.onmessage = (e) => {
      const said = JSON.parse(e.data);
      if (said.answer) {
        end();
        answer(out, said.answer, id);
      } else if (said.error) {
        end();
        out.replaceChildren(el("p", { class: "bad" }, said.error));
      } else if (said.runs > 0) put(out.firstChild, `${said.runs} runs have ended…`);
    };
    stream.onerror = () => {
      end();
      out.replaceChildren(el("p", { class: "bad" }, "no answer: no Prometheus is named (flyball dashboard --prometheus http://…), or a simulation is under way"));
    };
  });
  return el("section", { class: "what-if", "aria-labelledby": "what-if-title" }, el("h3", { id: "what-if-title" }, "What if the target were another?"), form, out);
}

const percent = (x, half) => `${(100 * x).toFixed(1)} %${half ? ` ±${(100 * half).toFixed(1)}` : ""}`;

function answer(out, a, id) {
  const plotted = el("div", { class: "plot" }), patch = el("div", { class: "patch" });
  const slider = el("input", { type: "range", min: 0, max: a.tried.length - 1, step: 1, "aria-label": "target" });
  const chosen = el("p", { class: "chosen num" });
  out.replaceChildren(
    ...a.verdict.map((line) => el("p", null, line)),
    el("p", { class: "quiet" }, "Simulated; ± is the 95 % interval over the seeds."),
    el("p", { class: "axis quiet" }, "share of requests within the promise, over GPU-hours"), plotted,
    el("label", { class: "slider" }, "target ", slider), chosen, patch, el("p", { class: "quiet" }, "the same answer in a terminal:"), command(a.command));
  if (a.tried.length === 0) return;
  const points = a.tried.map((t) => ({ name: t.value, gpuHours: t.gpuHours, attainment: t.attainment, half: t.attainmentHalf, on: true }));
  const cheapest = a.tried.filter((t) => t.keeps === "yes").sort((x, y) => x.gpuHours - y.gpuHours)[0];
  const plot = curve(plotted, points, { promise: a.tried[0].promise, height: 190, chosen: () => Number(slider.value) });
  const choose = () => {
    const t = a.tried[Number(slider.value)];
    put(chosen, `${t.value}: ${percent(t.attainment, t.attainmentHalf)} at ${short(t.gpuHours)} GPU-hours, ${short(t.replicas)} replicas on average, TTFT p99 ${seconds(t.ttftP99Seconds)}, TPOT p99 ${seconds(t.tpotP99Seconds)}; keeps ${percent(t.promise)}: ${t.keeps}`);
    patch.replaceChildren(...change(a, t, id));
    plot.redraw(false);
  };
  slider.value = String(Math.max(0, a.tried.indexOf(cheapest ?? a.tried.find((t) => t.value === a.now))));
  slider.addEventListener("input", choose);
  choose();
}

// change is the difference in the manifest, and the command that makes it.
function change(a, t, id) {
  if (t.value === a.now) return [el("p", { class: "quiet" }, "This is the target that is set.")];
  const [namespace, name] = parts(id), field = a.pointer.split("/").at(-1);
  const value = field === "averageUtilization" ? Number(t.value) : t.value;
  const json = JSON.stringify([{ op: "replace", path: a.pointer, value }]);
  return [
    el("pre", { class: "diff" }, el("del", null, `- ${field}: '${a.now}'`), "\n", el("ins", null, `+ ${field}: '${t.value}'`)),
    command(`kubectl patch inferenceservice ${name} -n ${namespace} --type=json -p '${json}'`),
  ];
}
