// The metrics of a machine in sections by its parts. Their names are MLflow's, which our library logs too:
// `system/gpu_0_utilization_percentage`, of one of several machines `system/node-3/cpu_utilization_percentage`. Pure.

import type { Section } from "./sections";

export const SYSTEM = "system/";

/** In the order in which they stand, with the names' beginnings. */
const PARTS: readonly (readonly [string, RegExp])[] = [
  ["GPU", /^gpu_?\d*/],
  ["CPU", /^(process_)?cpu/],
  ["Memory", /^(system_|process_)?memory/],
  ["Disk", /^disk/],
  ["Network", /^network/],
];
const OTHER = "Other";

/** What ends a name, and how it is said. */
const UNITS: readonly (readonly [string, string])[] = [
  ["percentage", "%"],
  ["megabytes", "MB"],
  ["gigabytes", "GB"],
  ["watts", "W"],
  ["celsius", "°C"],
];

export const isSystem = (key: string): boolean => key.startsWith(SYSTEM);

/** The sections that there are metrics for. What several devices log stands side by side: all GPUs' use, then their memory. */
export function systemSections(keys: readonly string[]): Section[] {
  const parts = new Map<string, string[]>();
  for (const key of keys) {
    const name = nameOf(key);
    const part = PARTS.find(([, begins]) => begins.test(name))?.[0] ?? OTHER;
    parts.set(part, [...(parts.get(part) ?? []), key]);
  }
  return [...PARTS.map(([part]) => part), OTHER].flatMap((part) => {
    const found = parts.get(part);
    if (!found) return [];
    const sorted = found.sort((a, b) => collator.compare(placeOf(a), placeOf(b)));
    return [{ name: part, keys: sorted, titles: new Map(sorted.map((key) => [key, titleOf(key)])) }];
  });
}

/** Without the machine's own name. */
const nameOf = (key: string) => key.slice(key.lastIndexOf("/") + 1);

/** Use before memory before power, the process after its machine; each by device, then by machine. */
function placeOf(key: string): string {
  const name = nameOf(key);
  const kind = name.replace(/^gpu_?\d*_?/, "");
  const rank = /^(cpu_)?util/.test(kind) ? 0 : kind.startsWith("process") ? 2 : 1;
  return `${rank} ${kind} ${name} ${key}`;
}

/** `GPU 0 memory usage, %` */
export function titleOf(key: string): string {
  const name = nameOf(key);
  const words = name.replaceAll("_", " ").replace(/^gpu/, "GPU").replace(/\bcpu\b/, "CPU");
  const [end, sign] = UNITS.find(([unit]) => words.endsWith(` ${unit}`)) ?? ["", ""];
  const title = end === "" ? words : `${words.slice(0, -end.length - 1)}, ${sign}`;
  const machine = key.slice(SYSTEM.length, key.length - name.length - 1);
  const said = title.charAt(0).toUpperCase() + title.slice(1);
  return machine === "" ? said : `${machine}: ${said}`;
}

const collator = new Intl.Collator("en", { numeric: true });
