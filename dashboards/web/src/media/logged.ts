// What runs log beside numbers, by key and step (docs/values.md), and the images that MLflow's client logs as files. Pure.

export type ValueKind = "text" | "histogram" | "json" | "artifact";

export interface Histogram {
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

/** How a value is shown. A picture, sound or page is a file of the run. */
export type Shown =
  | { readonly as: "text"; readonly text: string }
  | { readonly as: "table"; readonly table: Table }
  | { readonly as: "histogram"; readonly histogram: Histogram }
  | { readonly as: "image" | "audio" | "video" | "html" | "file"; readonly path: string; readonly bytes: number | null }
  /** Texts and tables that were too large to travel by themselves: read when they are looked at. */
  | { readonly as: "text file" | "table file"; readonly path: string; readonly bytes: number | null };

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

export interface Logged {
  readonly step: number;
  readonly rank: number;
  readonly attempt: number;
  readonly shown: Shown;
}

/** A row of GET /v1/runs/{id}/values. */
export interface WireValue {
  readonly step: number;
  readonly rank: number;
  readonly attempt: number;
  readonly kind: ValueKind;
  readonly text?: string;
  readonly json?: unknown;
  readonly histogram?: { readonly edges: readonly (number | string)[]; readonly counts: readonly (number | string)[] };
  readonly artifact?: { readonly path: string; readonly size_bytes: number; readonly media_type: string };
}

/** What a run has logged under a key. */
export interface LoggedKey {
  readonly key: string;
  readonly kinds: readonly string[];
  /** Ascending; of very many steps some that lie evenly among them. */
  readonly steps: readonly number[];
  /** Of MLflow's images: their files by step. Null: values, to be asked for. */
  readonly files: ReadonlyMap<number, readonly string[]> | null;
}

export function decodeValue(v: WireValue): Logged {
  return { step: v.step, rank: v.rank, attempt: v.attempt, shown: shownOf(v) };
}

function shownOf({ kind, text, json, histogram, artifact }: WireValue): Shown {
  if (kind === "histogram" && histogram) return { as: "histogram", histogram: { edges: histogram.edges.map(Number), counts: histogram.counts.map(Number) } };
  if (kind === "json") {
    const table = tableOf(json);
    return table ? { as: "table", table } : { as: "text", text: JSON.stringify(json, null, 2) };
  }
  if (kind === "artifact" && artifact) return { as: fileKind(artifact.media_type), path: artifact.path, bytes: artifact.size_bytes };
  return { as: "text", text: text ?? "" };
}

const TABLE_TYPE = "application/vnd.streamgauge.table+json";

function fileKind(type: string): "image" | "audio" | "video" | "html" | "file" | "text file" | "table file" {
  const first = type.split("/")[0];
  if (first === "image" || first === "audio" || first === "video") return first;
  if (type === "text/html") return "html";
  if (type === TABLE_TYPE) return "table file";
  return type === "application/json" || first === "text" ? "text file" : "file";
}

/** A table of the library, or a data frame as MLflow writes it: `columns`, and `data` as rows. Null: it is none. */
export function tableOf(json: unknown): Table | null {
  if (typeof json !== "object" || json === null) return null;
  const { columns, data } = json as { columns?: unknown; data?: unknown };
  if (!Array.isArray(columns) || !Array.isArray(data) || !data.every(Array.isArray)) return null;
  return { columns: columns.map(String), rows: data as unknown[][] };
}

/** The greatest step that is not behind `at`, null for the last one; null if there is none. */
export function stepAt(steps: readonly number[], at: number | null): number | null {
  if (at === null) return steps[steps.length - 1] ?? null;
  let found: number | null = null;
  for (const step of steps) {
    if (step > at) break;
    found = step;
  }
  return found;
}

/** Of a run that was launched again only what its newest launch logged at a step. */
export function newestLaunch(values: readonly Logged[]): readonly Logged[] {
  const newest = new Map<number, number>();
  for (const { step, attempt } of values) newest.set(step, Math.max(newest.get(step) ?? 0, attempt));
  return values.filter((v) => v.attempt === newest.get(v.step));
}

/** All steps of some keys, ascending. */
export function stepsOf(keys: Iterable<LoggedKey>): number[] {
  const all = new Set<number>();
  for (const { steps } of keys) for (const step of steps) all.add(step);
  return [...all].sort((a, b) => a - b);
}

/** Some of them that lie evenly, with the first and the last. */
export function thinned(steps: readonly number[], max: number): readonly number[] {
  if (steps.length <= max) return steps;
  return Array.from({ length: max }, (_, i) => steps[Math.floor((i * (steps.length - 1)) / (max - 1))] as number);
}

/**
 * MLflow's `log_image(image, key=, step=)` makes two files, `images/KEY+step+3+timestamp+1760000000000+UUID.png` and a small one that is
 * called `...+compressed.webp`; older clients write % for +, and ~ (or #) stands for a slash of the key. The full one is shown.
 */
export function mlflowImages(paths: readonly string[]): LoggedKey[] {
  const keys = new Map<string, Map<number, string[]>>();
  for (const path of paths) {
    const found = /^images\/(.+)([+%])step\2(-?\d+)\2timestamp\2\d+\2([^+%]+)\.\w+$/s.exec(path);
    if (!found) continue;
    const key = (found[1] as string).replace(/[~#]/g, "/");
    const steps = keys.get(key) ?? new Map<number, string[]>();
    keys.set(key, steps);
    const step = Number(found[3]);
    steps.set(step, [...(steps.get(step) ?? []), path]);
  }
  return [...keys].map(([key, files]) => ({ key, kinds: ["image"], steps: [...files.keys()].sort((a, b) => a - b), files }));
}
