// Smoothing. Pure.

/** So wide a chart is taken to be: with it a weight means the same however many points there are. */
const SPAN = 1000;
const WEIGHT_MAX = 0.999;

/**
 * Exponential moving average whose memory is a length on the x axis and not a number of points: gaps and uneven steps
 * smooth alike, and so do runs that log at different rates. `weight` is 0 (none) to below 1; the start is debiased, so the
 * first value is itself. Rows without a value stay without one. The formula is the one known from W&B's charts, where the
 * square root of the weight is what remains after 1/1000 of the span.
 */
export function smooth(x: readonly number[], y: readonly (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0 || x.length < 3) return [...y];
  const keep = Math.min(Math.sqrt(weight), WEIGHT_MAX);
  const span = (x[x.length - 1] as number) - (x[0] as number) || 1;
  let sum = 0;
  let mass = 0;
  let last: number | null = null;
  return x.map((at, i) => {
    const value = y[i] ?? null;
    if (value === null) return null;
    const kept: number = last === null ? 0 : keep ** (((at - last) / span) * SPAN);
    last = at;
    sum = sum * kept + value;
    mass = mass * kept + 1;
    return sum / mass;
  });
}
