// Where Grafana's dashboards are, if the server was told (--grafana-url), and the addresses of them with their variables filled. Pure, but for about().

import { get, type Run } from "./api";

/** Asked once: it does not change while the server runs. */
let asked: Promise<string | null> | undefined;

/** Grafana's address without a last slash; null if there is none. */
export function grafanaURL(): Promise<string | null> {
  asked ??= get<{ grafana?: string }>("v1/version").then(
    (about) => about.grafana ?? null,
    () => {
      asked = undefined; // the next page asks again
      return null;
    },
  );
  return asked;
}

type Variables = readonly (readonly [name: string, value: string])[];

/** Around a run, so that its first and last points are not at the edge. */
const MARGIN_MS = 60_000;

/** The dashboards' values have backslashes doubled, as Grafana quotes without them. */
const escaped = (text: string) => text.replaceAll("\\", "\\\\");

function dashboard(base: string, uid: string, variables: Variables, range: readonly [from: string, to: string] | null): string {
  const fields = [...variables.map(([name, value]): [string, string] => [`var-${name}`, value]), ...(range ? [["from", range[0]], ["to", range[1]]] as [string, string][] : [])];
  return `${base}/d/${uid}?${new URLSearchParams(fields)}`;
}

/** From the first start to the last end; until now while one goes on. */
function rangeOf(runs: readonly Run[]): [string, string] | null {
  if (runs.length === 0) return null;
  const from = Math.min(...runs.map((r) => r.start));
  const going = runs.some((r) => r.end === null);
  return [String(from - MARGIN_MS), going ? "now" : String(Math.max(...runs.map((r) => r.end ?? r.start)) + MARGIN_MS)];
}

export function runDashboard(base: string, run: Run): string {
  return dashboard(base, "sg-run", [["experiment", run.experiment], ["run", run.id]], rangeOf([run]));
}

export function compareDashboard(base: string, runs: readonly Run[]): string {
  const experiments = [...new Set(runs.map((r) => r.experiment))];
  return dashboard(base, "sg-compare", [...experiments.map((id) => ["experiment", id] as const), ...runs.map((r) => ["run", r.id] as const)], rangeOf(runs));
}

export function modelDashboard(base: string, model: string): string {
  return dashboard(base, "sg-models", [["model", escaped(model)]], null);
}
