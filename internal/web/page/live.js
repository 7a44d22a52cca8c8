// The state that the stream keeps: the last view, every service, and the last half hour of each.

const half = 30 * 60; // seconds of a trend

export const state = { view: null, services: new Map(), trends: new Map() };

// take puts a view into the state, and gives it on.
function take(view) {
  if (view.whole) {
    state.services.clear();
    state.trends.clear();
  }
  for (const s of view.services ?? []) {
    if (s.trend) state.trends.set(s.id, s.trend);
    state.services.set(s.id, s);
  }
  for (const id of view.gone ?? []) {
    state.services.delete(id);
    state.trends.delete(id);
  }
  state.view = view;
  if (!view.whole) grow(Date.parse(view.at) / 1000);
}

// grow adds the present to each trend: of a service that is not in the view nothing changed.
function grow(at) {
  for (const [id, s] of state.services) {
    let t = state.trends.get(id);
    if (!t) state.trends.set(id, (t = { at: [], load: [], ready: [] }));
    if (t.at.at(-1) === at) continue;
    t.at.push(at);
    t.load.push(s.load);
    t.ready.push(s.replicas.Ready);
    while (t.at[0] < at - half) for (const list of [t.at, t.load, t.ready]) list.shift();
  }
}

// follow calls back after each view, and says whether the stream is there.
export function follow(changed, there) {
  const frozen = document.getElementById("frozen");
  if (frozen) {
    const all = JSON.parse(frozen.textContent);
    take(all.view);
    changed();
    return all;
  }
  let stream;
  const listen = () => {
    stream = new EventSource("api/stream");
    stream.onmessage = (event) => {
      take(JSON.parse(event.data));
      there(true);
      changed();
    };
    stream.onerror = () => there(false);
  };
  listen();
  // A browser keeps a page that was left, and with it one of the six connections that it has to a server.
  addEventListener("pagehide", () => stream.close());
  addEventListener("pageshow", (event) => event.persisted && listen());
  return null;
}

export async function ask(path, parameters) {
  const answer = await fetch(`${path}?${new URLSearchParams(parameters)}`);
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
}
