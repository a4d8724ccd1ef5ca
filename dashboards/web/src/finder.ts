// What Ctrl-K finds: pages, experiments, runs, models and metrics, as places to go to.

import { FIRST_ALERTS, FIRST_LINEAGE, FIRST_MODELS, FIRST_SQL, FIRST_VIEW, formatHash, modelView, runView } from "./address";
import { metricNames, searchRuns, type Experiment, type Run } from "./api";
import { FIRST_COMPARE } from "./compare/view";
import { quoted, searchRegistered } from "./registered";

export interface Found {
  readonly kind: "page" | "experiment" | "run" | "model" | "metric";
  readonly name: string;
  /** Where it is, in words. */
  readonly where: string;
  readonly hash: string;
}

const PAGES: readonly Found[] = [
  { kind: "page", name: "Runs", where: "", hash: formatHash(FIRST_VIEW) },
  { kind: "page", name: "Compare", where: "", hash: formatHash(FIRST_COMPARE) },
  { kind: "page", name: "Models", where: "", hash: formatHash(FIRST_MODELS) },
  { kind: "page", name: "Lineage", where: "", hash: formatHash(FIRST_LINEAGE) },
  { kind: "page", name: "SQL", where: "", hash: formatHash(FIRST_SQL) },
  { kind: "page", name: "Alerts", where: "", hash: formatHash(FIRST_ALERTS) },
];

/** Of each kind. */
const EACH = 6;
/** Experiments whose runs are searched, the newest. */
const SEARCHED = 5;

/** What is known without asking. */
export function findHere(text: string, experiments: readonly Experiment[]): readonly Found[] {
  const wanted = text.trim().toLowerCase();
  const has = (name: string) => name.toLowerCase().includes(wanted);
  const pages = PAGES.filter((p) => has(p.name));
  if (wanted === "") return pages;
  const found = experiments.filter((e) => has(e.name)).slice(0, EACH);
  return [...pages, ...found.map((e): Found => ({ kind: "experiment", name: e.name, where: "", hash: formatHash({ ...FIRST_VIEW, experiment: e.id }) }))];
}

/** A run by its id, or a part of it from the front. */
const ID = /^[0-9a-f]{6,32}$/;

/** What the server finds: runs of the experiment that is looked at and of the newest ones, models, and metrics of the newest run. */
export async function findThere(text: string, current: string | null, experiments: readonly Experiment[], signal: AbortSignal): Promise<readonly Found[]> {
  const wanted = text.trim();
  if (wanted === "") return [];
  const ids = [...new Set([...(current === null ? [] : [current]), ...experiments.slice(0, SEARCHED).map((e) => e.id)])];
  const like = quoted(`%${wanted}%`);
  const search = (filter: string, experiment: string, max: number) => searchRuns({ experiment, filter, orderBy: ["attributes.start_time DESC"], max, token: null }, signal);
  const nameOf = (id: string) => experiments.find((e) => e.id === id)?.name ?? id;
  const runsOf = async (id: string): Promise<Found[]> => {
    const filters = [`attributes.run_name ILIKE ${like}`, ...(ID.test(wanted) ? [`attributes.run_id LIKE '${wanted}%'`] : [])];
    const pages = await Promise.all(filters.map((f) => search(f, id, EACH)));
    return pages.flatMap((p) => p.items.map((r): Found => ({ kind: "run", name: r.name, where: nameOf(id), hash: formatHash(runView(r.id)) })));
  };
  const models = async (): Promise<Found[]> => {
    const { items } = await searchRegistered(wanted, EACH, null, signal);
    return items.map((m): Found => ({ kind: "model", name: m.name, where: "", hash: formatHash(modelView(m.name)) }));
  };
  const metrics = async (): Promise<Found[]> => {
    const [id] = ids;
    if (id === undefined) return [];
    const newest: Run | undefined = (await search("", id, 1)).items[0];
    if (!newest) return [];
    const { items } = await metricNames(newest.id, { contains: wanted }, EACH, null, signal);
    return items.map((key): Found => ({ kind: "metric", name: key, where: nameOf(id), hash: formatHash({ ...FIRST_COMPARE, experiment: id, search: key }) }));
  };
  const answers = await Promise.allSettled([...ids.map(runsOf), models(), metrics()]);
  const found = answers.flatMap((a) => (a.status === "fulfilled" ? a.value : []));
  // A part that cannot be asked, as by a token without the registry, takes nothing from the others.
  const kinds = (kind: Found["kind"]) => unique(found.filter((f) => f.kind === kind)).slice(0, EACH);
  return [...kinds("run"), ...kinds("model"), ...kinds("metric")];
}

function unique(found: readonly Found[]): readonly Found[] {
  return [...new Map(found.map((f) => [f.hash, f])).values()];
}
