// A view is drawn in slices, one a frame: what is made for the first time, and the fleet and the services.

const slice = 8; // ms of a frame that scripts have; styles, layout and paint take several times as long
let work = null;
let due = 0;

// late says that the rest is for the next frame.
export const late = () => performance.now() > due;

// draw begins to draw, in place of what is being drawn. A generator yields where it is late.
export function draw(steps) {
  const idle = work === null;
  work = steps;
  if (idle) requestAnimationFrame(next);
}

function next() {
  due = performance.now() + slice;
  if (work.next().done) work = null;
  else requestAnimationFrame(next);
}
