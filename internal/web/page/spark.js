// A half hour in a line: ready replicas as a filled step, load in replicas as a line over it.

let colours = null;

export function forget() {
  colours = null;
}

function palette() {
  if (!colours) {
    const style = getComputedStyle(document.documentElement);
    colours = { fill: style.getPropertyValue("--spark-fill"), edge: style.getPropertyValue("--spark-edge"), line: style.getPropertyValue("--accent") };
  }
  return colours;
}

export function spark(canvas, { width, height }, t) {
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const c = canvas.getContext("2d");
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, width, height);
  const end = t.at.at(-1), begin = end - 1800;
  const top = Math.max(1, ...t.ready, ...t.load.map((l) => l ?? 0)) * 1.1;
  const x = (at) => (width * (at - begin)) / 1800;
  const y = (v) => height - 1 - ((height - 2) * v) / top;
  const { fill, edge, line } = palette();
  c.beginPath();
  c.moveTo(x(t.at[0]), y(0));
  t.ready.forEach((v, i) => {
    if (i > 0) c.lineTo(x(t.at[i]), y(t.ready[i - 1]));
    c.lineTo(x(t.at[i]), y(v));
  });
  c.lineTo(x(end), y(0));
  c.fillStyle = fill;
  c.fill();
  c.strokeStyle = edge;
  c.lineWidth = 1;
  c.stroke();
  c.beginPath();
  let pen = false;
  t.load.forEach((v, i) => {
    if (v == null) pen = false;
    else if (pen) c.lineTo(x(t.at[i]), y(v));
    else {
      c.moveTo(x(t.at[i]), y(v));
      pen = true;
    }
  });
  c.strokeStyle = line;
  c.lineWidth = 1.5;
  c.stroke();
}
