// A half hour in a line: ready replicas as a filled step, load in replicas as a line over it.

import { set } from "./dom.js";

const width = 1800, height = 22; // seconds, and pixels

const shape = (name, attributes) => {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  return e;
};

// spark is stretched to the room that it has: it need not be drawn again for another.
export function spark() {
  const area = shape("path", { class: "area" }), load = shape("path", { class: "load" });
  const root = shape("svg", { class: "spark", role: "img", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none" });
  root.append(area, load);
  const draw = (t) => {
    const begin = t.at.at(-1) - width;
    const top = Math.max(1, ...t.ready, ...t.load.map((l) => l ?? 0)) * 1.1;
    const x = (i) => Math.round(t.at[i] - begin);
    const y = (v) => (height - 1 - ((height - 2) * v) / top).toFixed(1);
    const steps = t.ready.map((v, i) => (i === 0 || v !== t.ready[i - 1] ? `H${x(i)}V${y(v)}` : ""));
    set(area, "d", `M${x(0)} ${y(0)}${steps.join("")}H${width}V${y(0)}`);
    set(load, "d", t.load.map((v, i) => (v == null ? "" : `${t.load[i - 1] == null ? "M" : "L"}${x(i)} ${y(v)}`)).join(""));
  };
  return { root, draw };
}
