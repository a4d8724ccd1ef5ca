// The range of y without outliers. Pure.

const LOW = 0.05;
const HIGH = 0.95;
/** How far beyond the inner values the range goes, as a part of their spread. */
const AIR = 0.5;
/** Of so few values none is an outlier. */
const VALUES_MIN = 8;

/**
 * The range that holds the values between the 5th and the 95th percentile and half their spread beside them, but never
 * more than there is. Null where nothing would be left out.
 */
export function innerRange(values: readonly number[]): readonly [number, number] | null {
  if (values.length < VALUES_MIN) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const least = sorted[0] as number;
  const greatest = sorted[sorted.length - 1] as number;
  const low = quantile(sorted, LOW);
  const high = quantile(sorted, HIGH);
  const air = (high - low) * AIR;
  if (air === 0) return null;
  const range = [Math.max(least, low - air), Math.min(greatest, high + air)] as const;
  return range[0] === least && range[1] === greatest ? null : range;
}

/** By linear interpolation between the neighbours in a sorted list. */
export function quantile(sorted: readonly number[], q: number): number {
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)] ?? NaN;
  const above = sorted[Math.ceil(at)] ?? NaN;
  return below + (above - below) * (at - Math.floor(at));
}
