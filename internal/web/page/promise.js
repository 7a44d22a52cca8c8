// Promises in words: what is promised, and what of it is kept.

// percent is rounded down: what is not kept does not look kept.
export const percent = (share) => `${(Math.floor(1000 * share + 1e-6) / 10).toFixed(1)}\u00a0%`;

// quantile is the p90 of 0.9.
export const quantile = (share) => `p${Number((100 * share).toFixed(4))}`;

export const target = (seconds) => (seconds < 1 ? `${Number((1000 * seconds).toFixed(3))} ms` : `${Number(seconds.toFixed(3))} s`);

// promised is a promise in short, as ttft p90 3 s, tpot 100 ms.
export const promised = (p) => p.objectives.map((o, i) => `${o.metric} ${i === 0 ? `${quantile(p.share)} ` : ""}${target(o.targetSeconds)}`).join(", ");

// kept is a mark, which says by its shape what colour says too, and the share.
export function kept(p) {
  if (p.kept == null) return ["?", "quiet", "–"];
  return p.kept >= p.share ? ["✓", "good", percent(p.kept)] : ["✕", "bad", percent(p.kept)];
}
