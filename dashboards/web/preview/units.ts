// Values in words, as Grafana's units have them.

import type { Kind, Value } from "./frames";

const BYTES = ["B", "KiB", "MiB", "GiB", "TiB"];
const METRIC = ["B", "kB", "MB", "GB", "TB"];
const SHORT = ["", " K", " Mil", " Bil"];
const SECONDS: readonly [number, string][] = [
  [86400 * 7, "weeks"],
  [86400, "days"],
  [3600, "hours"],
  [60, "mins"],
  [1, "s"],
  [1e-3, "ms"],
  [1e-6, "µs"],
];

const digits = (v: number) => (Number.isInteger(v) ? String(v) : Math.abs(v) >= 1000 ? v.toFixed(0) : Math.abs(v) >= 0.001 ? String(Number(v.toPrecision(3))) : v.toExponential(2));

function scaled(v: number, by: number, names: readonly string[]): string {
  let i = 0;
  for (; Math.abs(v) >= by && i < names.length - 1; i++) v /= by;
  return `${digits(v)}${names[i]?.startsWith(" ") || names[i] === "" ? "" : " "}${names[i]}`;
}

function seconds(v: number): string {
  const [size, name] = SECONDS.find(([s]) => Math.abs(v) >= s) ?? [1, "s"];
  return `${digits(v / size)} ${name}`;
}

/** A day and time of UTC. */
const moment = (ms: number) => new Date(ms).toISOString().replace("T", " ").slice(0, 19);

export function said(value: Value, kind: Kind, unit = ""): string {
  if (value === null) return "";
  if (kind === "time") return moment(Number(value));
  if (kind === "string" || !Number.isFinite(value)) return String(value);
  const v = Number(value);
  switch (unit) {
    case "s":
      return seconds(v);
    case "h":
      return seconds(v * 3600);
    case "bytes":
      return scaled(v, 1024, BYTES);
    case "decmbytes":
      return scaled(v * 1e6, 1000, METRIC);
    case "short":
      return scaled(v, 1000, SHORT);
    case "percent":
      return `${digits(v)}%`;
    default:
      return digits(v);
  }
}
