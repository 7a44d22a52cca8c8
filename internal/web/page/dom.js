// What is drawn is text: nothing here makes markup of a string.

// el makes an element. Properties that begin with "on" are listeners, the others attributes.
export function el(tag, properties, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else if (value === true) e.setAttribute(name, "");
    else if (value !== false && value != null) e.setAttribute(name, value);
  }
  e.append(...children.filter((c) => c != null));
  return e;
}

// put sets a text only where it is another: a write costs a layout.
export function put(e, text) {
  if (e.textContent !== text) e.textContent = text;
}

// set is put of an attribute.
export function set(e, name, value) {
  if (e.getAttribute(name) !== value) e.setAttribute(name, value);
}

// keyed keeps an element for each key of a list. make gives the element, as root, and what
// writes a value to it, as show; an element stays as long as its key does. draw does what
// show does, and yields when it is late and more are to be made: to be laid out for the first
// time is what takes long. A value is written to what is near; next is the last one.
export function keyed(parent, make) {
  return list(parent, make, (one) => (one.near = true), () => {});
}

// lazily is keyed where there may be hundreds: what is seen, or soon may be, is near. Of the others
// there is no more than their root, which names them: enter puts the rest there, and leave takes it.
export function lazily(parent, make) {
  const owners = new WeakMap();
  const watcher = new IntersectionObserver((entries) => {
    for (const e of entries) {
      const one = owners.get(e.target);
      if (one.near === e.isIntersecting) continue;
      one.near = e.isIntersecting;
      if (!one.near) one.leave();
      else {
        one.enter();
        one.show(one.next);
      }
    }
  }, { rootMargin: "300px" });
  const join = (one) => {
    one.near = false; // until it is known
    owners.set(one.root, one);
    watcher.observe(one.root);
  };
  return list(parent, make, join, (one) => watcher.unobserve(one.root));
}

function list(parent, make, join, part) {
  const kept = new Map();
  const add = (key, value) => {
    const one = make(key, value);
    kept.set(key, one);
    join(one);
    return one;
  };
  const place = (wanted) => {
    const roots = [...wanted.keys()].flatMap((key) => kept.get(key)?.root ?? []);
    if (roots.some((e, i) => e !== parent.children[i])) arrange(parent, roots);
  };
  function* draw(list, late) {
    const wanted = new Map(list);
    for (const [key, one] of kept) {
      if (wanted.has(key)) continue;
      part(one);
      one.root.remove();
      kept.delete(key);
    }
    for (const [key, value] of wanted) {
      if (!kept.has(key) && late()) {
        place(wanted);
        yield;
      }
      const one = kept.get(key) ?? add(key, value);
      one.next = value;
      if (one.near) one.show(value);
    }
    place(wanted);
  }
  return { kept, draw, show: (list) => draw(list, () => false).next() };
}

// arrange moves as few elements as an order takes: a row that moves is laid out again.
function arrange(parent, wanted) {
  const was = new Map([...parent.children].map((e, i) => [e, i]));
  const stay = rising(wanted.map((e) => was.get(e) ?? -1));
  const focused = document.activeElement;
  let next = null;
  for (let i = wanted.length - 1; i >= 0; i--) {
    if (!stay.has(i)) parent.insertBefore(wanted[i], next);
    next = wanted[i];
  }
  if (document.activeElement !== focused) focused.focus({ preventScroll: true }); // it moved
}

// rising are the indices of a longest run of rising numbers, which need not be neighbours;
// those below 0 are of none.
function rising(numbers) {
  const last = []; // of the runs of each length, the index at which the lowest ends
  const before = []; // of an index, the one before it in its run
  numbers.forEach((n, i) => {
    if (n < 0) return;
    const length = last.findLastIndex((j) => numbers[j] < n) + 1;
    before[i] = last[length - 1];
    last[length] = i;
  });
  const run = new Set();
  for (let i = last.at(-1); i !== undefined; i = before[i]) run.add(i);
  return run;
}

export const $ = (id) => document.getElementById(id);

// parts are the namespace and the name of an id.
export function parts(id) {
  const at = id.indexOf("/");
  return [id.slice(0, at), id.slice(at + 1)];
}

export const href = (id) => "#/" + parts(id).map(encodeURIComponent).join("/");

export const clock = (t) => new Date(t).toISOString().slice(11, 19);

// span writes a time to what is read of it.
export function span(seconds) {
  if (seconds < 100) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

export const since = (t, now) => span((Date.parse(now) - Date.parse(t)) / 1000);

// short writes a number with the digits that are read of it.
export function short(x) {
  if (x == null || Number.isNaN(x)) return "–";
  const size = Math.abs(x);
  if (size >= 100 || Number.isInteger(x)) return String(Math.round(x));
  return x.toFixed(size >= 10 ? 1 : 2);
}

export function seconds(x) {
  if (x == null) return "–";
  return x < 1 ? `${Math.round(1000 * x)} ms` : `${x.toFixed(x < 10 ? 2 : 1)} s`;
}

// command is a text to be copied into a shell.
export function command(text) {
  const say = el("button", { type: "button", class: "copy", title: "copy", "aria-label": "copy the command" }, "copy");
  say.addEventListener("click", async (event) => {
    event.preventDefault();
    await navigator.clipboard.writeText(text);
    put(say, "copied");
  });
  return el("span", { class: "command" }, el("code", null, text), say);
}
