// Which runs are drawn, and which of them are one line. Pure.

import type { Run } from "../api";
import { assign, type Stroke } from "../palette";
import { curveOf, ID_SHORT, MS, type Curve, type Looks } from "../plot/curves";
import { binWidthOf, groupCurve } from "../plot/group";
import type { Series } from "../series";
import type { Band } from "./view";

/** The tags by which a run inherits (docs/series.md). */
const FORK_PARENT = "streamgauge.fork.parent";
const FORK_STEP = "streamgauge.fork.step";

/** What a run was forked from. */
export interface Fork {
  readonly run: string;
  readonly name: string;
  /** The last step that it inherits, as the tag has it. */
  readonly step: string;
}

/** What a panel knows of a run. */
export interface Member {
  readonly id: string;
  readonly name: string;
  readonly start: number;
  readonly running: boolean;
  /** The value that it is grouped by; null: by none. */
  readonly group: string | null;
  readonly fork: Fork | null;
}

/** `by` is `params.KEY` or `tags.KEY`; `names` are the names of runs that it may come from. */
export function memberOf(run: Run, by: string | null, names: ReadonlyMap<string, string> = new Map()): Member {
  const group = by === null ? null : valueOf(run, by);
  return { id: run.id, name: run.name, start: run.start, running: run.status === "RUNNING", group, fork: forkOf(run, names) };
}

/** Null: it was not forked from a run. */
export function forkOf(run: Run, names: ReadonlyMap<string, string> = new Map()): Fork | null {
  const parent = run.tags.get(FORK_PARENT);
  return parent ? { run: parent, name: names.get(parent) ?? parent.slice(0, ID_SHORT), step: run.tags.get(FORK_STEP) ?? "" } : null;
}

function valueOf(run: Run, by: string): string {
  const dot = by.indexOf(".");
  const key = by.slice(dot + 1);
  return (by.startsWith("tags.") ? run.tags : run.params).get(key) ?? "none";
}

/** The id under which a member is drawn and lit: its own, or its group's. */
export const lineID = (member: Member): string => (member.group === null ? member.id : `group ${member.group}`);

/** Strokes by lineID. */
export function strokesOf(members: readonly Member[]): ReadonlyMap<string, Stroke> {
  return assign(members.map(lineID));
}

export interface PanelLooks extends Looks {
  readonly band: Band;
}

/** The curves of a panel: one a member, or one a group. `series` finds what was read of a run. */
export function panelCurves(
  members: readonly Member[],
  looks: PanelLooks,
  series: (run: string) => { readonly y: Series | undefined; readonly along: Series | null },
): Curve[] {
  const strokes = strokesOf(members);
  const lines = new Map<string, { name: string; curves: Curve[]; width: number }>();
  for (const member of members) {
    const { y, along } = series(member.id);
    if (!y || y.step.length === 0) continue;
    const id = lineID(member);
    const stroke = strokes.get(id) as Stroke;
    const grouped = member.group !== null;
    const curve = curveOf(y, { id, name: member.group ?? member.name, stroke }, grouped ? { ...looks, smoothing: 0, logY: false } : looks, along);
    const line = lines.get(id) ?? { name: curve.name, curves: [], width: 0 };
    lines.set(id, line);
    line.curves.push(curve);
    line.width = Math.max(line.width, y.width);
  }
  const drawn = [...lines].map(([id, { name, curves, width }]) => {
    const first = curves[0] as Curve;
    if (!id.startsWith("group ")) return named(first, members.find((m) => m.id === id)?.fork ?? null);
    return groupCurve(curves, { id, name, stroke: first.stroke }, { ...looks, binWidth: binWidth(looks, curves, width) });
  });
  // Over the run that they were forked from, or their inherited part would not be seen.
  return [...drawn.filter((c) => c.fork === null), ...drawn.filter((c) => c.fork !== null)];
}

/** With the name of the run that it was forked from, where that is known. */
function named(curve: Curve, fork: Fork | null): Curve {
  return curve.fork && fork && curve.fork.run === fork.run ? { ...curve, fork: { ...curve.fork, name: fork.name } } : curve;
}

/** Buckets of runs meet on the axis that they were made on; points meet at steps; elsewhere bins must be laid. */
function binWidth(looks: Looks, curves: readonly Curve[], width: number): number {
  if (typeof looks.x !== "string") return binWidthOf(curves);
  if (looks.x === "step") return width;
  return Math.max(width / MS, binWidthOf(curves));
}

/** What runs can be grouped by: params and tags that some share and that differ between others. */
export function groupings(runs: readonly Run[]): string[] {
  const values = new Map<string, Set<string>>();
  const note = (name: string, value: string) => {
    const known = values.get(name) ?? new Set();
    values.set(name, known.add(value));
  };
  for (const run of runs) {
    for (const [key, value] of run.params) note(`params.${key}`, value);
    for (const [key, value] of run.tags) if (!key.startsWith("mlflow.")) note(`tags.${key}`, value);
  }
  return [...values].filter(([, some]) => some.size < runs.length).map(([name]) => name).sort();
}

/** The params whose values differ between runs, those with the most values last. */
export function differing(runs: readonly Run[], max: number): string[] {
  const keys = new Set(runs.flatMap((r) => [...r.params.keys()]));
  const kinds = [...keys].map((key) => ({ key, values: new Set(runs.map((r) => r.params.get(key))).size }));
  return kinds.filter((k) => k.values > 1).sort((a, b) => a.values - b.values || a.key.localeCompare(b.key)).slice(0, max).map((k) => k.key);
}
