// The state of a run's page, and its fields in the address. Pure.
//
//   #/runs/<run id>?metric=loss&x=100:500
//   #/runs/<run id>?tab=charts&charts.search=loss&charts.smooth=0.6, with the fields of compare/view.ts; system. for tab system
//   #/runs/<run id>?tab=logs&find=nan&stream=stderr&bars=all
//   #/runs/<run id>?tab=traces&trace=tr-ab..&span=cd..
//   #/runs/<run id>?tab=artifacts&artifact=plots/loss.png; &as=text in place of a tree

import type { ChartView } from "../address";
import { compareFields, FIRST_COMPARE, parseCompare, type CompareView, type Fields } from "../compare/view";

/** One run. */
export interface RunView {
  readonly page: "run";
  readonly run: string;
  readonly chart: ChartView;
  readonly tab: RunTab;
  /** How the charts of all metrics are drawn, and those of the machine: of the workspace's state what a panel needs. */
  readonly panels: CompareView;
  readonly machine: CompareView;
  /** Of the ranks: the one whose own line is drawn. */
  readonly rank: number | null;
  readonly lines: LinesView;
  /** Of the traces: the one that is opened, with its span; and the page of the list, as the server names it. */
  readonly trace: string | null;
  readonly span: string | null;
  readonly traces: string | null;
  /** The artifact that is looked at; a folder, if it ends with a slash. */
  readonly artifact: string | null;
  /** It is shown as its text, and not as what the text means. */
  readonly plain: boolean;
}

/** Which lines of the console are shown. */
export interface LinesView {
  /** A part of the text. */
  readonly find: string;
  readonly stream: "" | "stdout" | "stderr";
  /** Every state of a progress bar that drew itself over several lines. */
  readonly bars: boolean;
}

export const RUN_TABS = ["overview", "charts", "system", "ranks", "logs", "artifacts", "traces"] as const;
export type RunTab = (typeof RUN_TABS)[number];

export const ALL_LINES: LinesView = { find: "", stream: "", bars: false };

/** Samples of a machine have no step that anybody knows: they are drawn over time. */
export const FIRST_MACHINE: CompareView = { ...FIRST_COMPARE, x: "relative" };

/** A run's page as it is opened first. */
export function runView(run: string, metric: string | null = null): RunView {
  return {
    page: "run",
    run,
    chart: { metric, range: null, logY: false },
    tab: "overview",
    panels: FIRST_COMPARE,
    machine: FIRST_MACHINE,
    rank: null,
    lines: ALL_LINES,
    trace: null,
    span: null,
    traces: null,
    artifact: null,
    plain: false,
  };
}

const CHARTS = "charts.";
const SYSTEM = "system.";

export function parseRun(run: string, fields: Fields, chart: ChartView): RunView {
  const one = (name: string) => fields.get(name)?.[0] || null;
  const rank = /^\d+$/.exec(one("rank") ?? "")?.[0];
  const stream = one("stream");
  const machine = below(fields, SYSTEM);
  return {
    page: "run",
    run,
    chart,
    // A link to an artifact leads to it.
    tab: RUN_TABS.find((t) => t === one("tab")) ?? (one("artifact") === null ? "overview" : "artifacts"),
    panels: parseCompare(below(fields, CHARTS)),
    machine: { ...parseCompare(machine), ...(machine.has("axis") ? {} : { x: FIRST_MACHINE.x }) },
    rank: rank === undefined ? null : Number(rank),
    lines: { find: one("find") ?? "", stream: stream === "stdout" || stream === "stderr" ? stream : "", bars: one("bars") === "all" },
    trace: one("trace"),
    span: one("span"),
    traces: one("traces"),
    artifact: one("artifact"),
    plain: one("as") === "text",
  };
}

/** But for those of the chart. What is as at first is left out. */
export function runFields(view: RunView): [string, readonly string[]][] {
  const { find, stream, bars } = view.lines;
  const machine: [string, readonly string[]][] = compareFields(view.machine).filter(([name]) => name !== "axis" || view.machine.x !== FIRST_MACHINE.x);
  if (view.machine.x === FIRST_COMPARE.x) machine.push(["axis", [FIRST_COMPARE.x as string]]);
  const fields: [string, string | null][] = [
    ["rank", view.rank === null ? null : String(view.rank)],
    ["find", find],
    ["stream", stream],
    ["bars", bars ? "all" : null],
    ["traces", view.traces],
    ["trace", view.trace],
    ["span", view.span],
    ["artifact", view.artifact],
    ["as", view.plain ? "text" : null],
  ];
  return [
    ...(view.tab === "overview" && view.artifact === null ? [] : [["tab", [view.tab]] as [string, readonly string[]]]),
    ...compareFields(view.panels).map(([name, values]) => [CHARTS + name, values] as [string, readonly string[]]),
    ...machine.map(([name, values]) => [SYSTEM + name, values] as [string, readonly string[]]),
    ...fields.flatMap(([name, value]) => (value ? [[name, [value]] as [string, readonly string[]]] : [])),
  ];
}

function below(fields: Fields, prefix: string): Fields {
  return new Map([...fields].flatMap(([name, values]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), values] as const] : [])));
}
