// How numbers, times and sizes are written. Pure: the clock is an argument.

/** What stands where there is no value. */
export const NOTHING = "–";

const SIGNIFICANT = 4;

/** Whole numbers below this fit a column with all their digits. */
const WHOLE_MAX = 1e12;

/** A value with 4 significant digits; exponent only where the digits would not fit. The exact value belongs in the title. */
export function number(v: number): string {
  if (Number.isNaN(v)) return "NaN";
  if (!Number.isFinite(v)) return v > 0 ? "∞" : "-∞";
  if (v === 0) return "0";
  const size = Math.abs(v);
  // An integer stays one: 12 and not 12.00, and all digits of a count.
  if (Number.isInteger(v) && size < WHOLE_MAX) return String(v);
  if (size >= 1e7 || size < 1e-4) return exponent(v);
  const digits = Math.max(0, SIGNIFICANT - 1 - Math.floor(Math.log10(size)));
  return v.toFixed(digits);
}

function exponent(v: number): string {
  const [mantissa = "", power = ""] = v.toExponential(SIGNIFICANT - 1).split("e");
  const short = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  return `${short}e${power.replace("+", "")}`;
}

/** A value at an axis: as short as it can be. */
export function tick(v: number): string {
  const short = Number(v.toPrecision(SIGNIFICANT));
  const size = Math.abs(short);
  return size !== 0 && (size >= 1e6 || size < 1e-4) ? exponent(short) : String(short);
}

/** A param is shown as it was logged; only long decimals are shortened, whole numbers are not. */
export function param(text: string): string {
  return isNumeric(text) && text.length > 8 && !/^[+-]?\d+$/.test(text.trim()) ? number(Number(text)) : text;
}

/** Whether a text reads as one number. */
export function isNumeric(text: string): boolean {
  return text.trim() !== "" && Number.isFinite(Number(text));
}

const thousands = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** A whole number with thousands apart. */
export function count(n: number): string {
  return thousands.format(n);
}

const UNITS = ["B", "KB", "MB", "GB", "TB"] as const;

export function bytes(n: number): string {
  let unit = 0;
  while (n >= 1024 && unit < UNITS.length - 1) {
    n /= 1024;
    unit++;
  }
  return `${unit === 0 ? n : n.toFixed(n < 10 ? 1 : 0)} ${UNITS[unit]}`;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const two = (n: number) => String(Math.floor(n)).padStart(2, "0");

/** A length of time by its two largest units: `1 h 04 m`. */
export function duration(ms: number): string {
  if (ms < 0) return NOTHING;
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} m ${two((ms % MINUTE) / SECOND)} s`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${two((ms % HOUR) / MINUTE)} m`;
  return `${Math.floor(ms / DAY)} d ${two((ms % DAY) / HOUR)} h`;
}

/** How long ago a time was, in its largest unit. */
export function ago(at: number, now: number): string {
  const ms = now - at;
  if (ms < 5 * SECOND) return "just now";
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s ago`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} m ago`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ago`;
  if (ms < 30 * DAY) return `${Math.floor(ms / DAY)} d ago`;
  return exactTime(at).slice(0, 10);
}

/** The exact local time, to the millisecond. */
export function exactTime(at: number): string {
  const d = new Date(at);
  const date = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  const clock = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  return `${date} ${clock}.${String(d.getMilliseconds()).padStart(3, "0")}`;
}
