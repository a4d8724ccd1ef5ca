// The table of figures, and its place in the page that publishes them.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";

export interface Figure {
  readonly work: string;
  readonly asked: string;
  readonly measured: string;
}

const BEGIN = "<!-- make bench-web begins -->";
const END = "<!-- make bench-web ends -->";

export function section(figures: readonly Figure[], browser: string): string {
  const machine = `${cpus().length} cores of ${cpus()[0]?.model ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Chromium ${browser} without a GPU`;
  const rows = figures.map((f) => `| ${f.work} | ${f.asked} | ${f.measured} |`);
  return [
    "## The web page",
    "",
    `Written by \`make bench-web\`. Machine: ${machine}; browser, server and load share it. Times are from the address or the key`,
    "to the second frame that shows it all; of several times the middle one and the longest. A page that does nothing is the reference of frames.",
    "",
    "| work | asked | measured |",
    "|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

/** Replaces the section in a file, or adds it at the end. */
export function publish(file: string, text: string): void {
  const before = existsSync(file) ? readFileSync(file, "utf8") : "";
  const [begin, end] = [before.indexOf(BEGIN), before.indexOf(END)];
  const marked = `${BEGIN}\n\n${text}\n${END}`;
  const after = begin >= 0 && end > begin ? before.slice(0, begin) + marked + before.slice(end + END.length) : `${before.trimEnd()}\n\n${marked}\n`;
  writeFileSync(file, after);
}

/** The middle one and the longest of times in milliseconds. */
export function spread(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  return `${Math.round(sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN)} ms, longest of ${sorted.length} ${Math.round(sorted[sorted.length - 1] ?? NaN)} ms`;
}
