// What Ctrl-K finds: pages, experiments, runs, models and metrics, as places to go to.

import { FIRST_ALERTS, FIRST_LINEAGE, FIRST_MODELS, FIRST_SQL, FIRST_VIEW, formatHash, modelView, runView } from "./address";
import { getBrief, metricNames, searchRuns, type Experiment, type Run } from "./api";
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
/** The newest runs, whose metrics are searched: one of an experiment. */
const NEWEST = 5;
/** So long nobody asks again which runs are the newest: the answer has all their metrics, and each key that is typed would. */
const NEWEST_MS = 30_000;

/** What is known without asking. */
export function findHere(text: string, experiments: readonly Experiment[]): readonly Found[] {
  const wanted = text.trim().toLowerCase();
  const has = (name: string) => name.toLowerCase().includes(wanted);
  const pages = PAGES.filter((p) => has(p.name));
  if (wanted === "") return pages;
  const found = experiments.filter((e) => has(e.name)).slice(0, EACH);
  return [...pages, ...found.map((e): Found => ({ kind: "experiment", name: e.name, where: "", hash: formatHash({ ...FIRST_VIEW, experiment: e.id }) }))];
}

/** A run by its whole id, or by a part of it from the front. */
const ID = /^[0-9a-f]{32}$/;
const ID_PART = /^[0-9a-f]{6,31}$/;

type Newest = Pick<Run, "id" | "experiment">;
let newest: { readonly of: string; readonly at: number; readonly runs: readonly Newest[] } | null = null;

/** What the server finds: runs of all experiments by their name or id, models, and metrics of the newest runs. */
export async function findThere(text: string, current: string | null, experiments: readonly Experiment[], signal: AbortSignal): Promise<readonly Found[]> {
  const wanted = text.trim();
  if (wanted === "") return [];
  const nameOf = (id: string) => experiments.find((e) => e.id === id)?.name ?? id;
  const found = (r: Run): Found => ({ kind: "run", name: r.name, where: nameOf(r.experiment), hash: formatHash(runView(r.id)) });
  const models = async (): Promise<Found[]> => {
    const { items } = await searchRegistered(wanted, EACH, null, signal);
    return items.map((m): Found => ({ kind: "model", name: m.name, where: "", hash: formatHash(modelView(m.name)) }));
  };
  const metrics = async (): Promise<Found[]> => {
    const answers = await Promise.allSettled((await newestRuns(current, experiments, signal)).map(async (run) => ({ run, ...(await metricNames(run.id, { contains: wanted }, EACH, null, signal)) })));
    return answers.flatMap((a) =>
      a.status === "rejected" ? [] : a.value.items.map((key): Found => ({ kind: "metric", name: key, where: nameOf(a.value.run.experiment), hash: formatHash({ ...FIRST_COMPARE, experiment: a.value.run.experiment, search: key }) })),
    );
  };
  const runs = async () => (await runsBy(wanted, experiments, signal)).map(found);
  const answers = await Promise.allSettled([runs(), models(), metrics()]);
  const all = answers.flatMap((a) => (a.status === "fulfilled" ? a.value : []));
  // A part that cannot be asked, as by a token without the registry, takes nothing from the others.
  const kinds = (kind: Found["kind"]) => unique(all.filter((f) => f.kind === kind)).slice(0, EACH);
  const some = [...kinds("run"), ...kinds("model"), ...kinds("metric")];
  // Nothing that is found because nobody answered is not nothing.
  if (some.length === 0 && answers[0].status === "rejected") throw answers[0].reason;
  return some;
}

/** By a whole id alone the server finds any run; else it searches all experiments at once: those of this very name come first. */
async function runsBy(wanted: string, experiments: readonly Experiment[], signal: AbortSignal): Promise<readonly Run[]> {
  const id = wanted.toLowerCase();
  const filters = [
    ...(ID_PART.test(id) ? [`attributes.run_id LIKE '${id}%'`] : []),
    `attributes.run_name ILIKE ${quoted(wanted)}`,
    `attributes.run_name ILIKE ${quoted(`%${wanted}%`)}`,
  ];
  const searches = experiments.length === 0 ? [] : filters.map(async (filter) => (await search(filter, experiments, EACH, signal)).items);
  const whole = ID.test(id) ? [getBrief(id, signal).then((run) => [run])] : [];
  const answers = await Promise.allSettled([...whole, ...searches]);
  const failed = answers.slice(whole.length).find((a) => a.status === "rejected");
  const found = answers.flatMap((a) => (a.status === "fulfilled" ? a.value : []));
  if (found.length === 0 && failed) throw failed.reason;
  return found;
}

/** The newest run of the experiment that is looked at and of those that were busy last. */
async function newestRuns(current: string | null, experiments: readonly Experiment[], signal: AbortSignal): Promise<readonly Newest[]> {
  const of = JSON.stringify([current, experiments.map((e) => e.id)]);
  if (newest?.of === of && Date.now() - newest.at < NEWEST_MS) return newest.runs;
  const here = experiments.filter((e) => e.id === current);
  const [own, all] = await Promise.all([here, experiments].map(async (among, i) => (among.length === 0 ? [] : (await search("", among, i === 0 ? 1 : NEWEST, signal)).items)));
  const first = new Map<string, Newest>();
  for (const { id, experiment } of [...(own ?? []), ...(all ?? [])]) if (!first.has(experiment)) first.set(experiment, { id, experiment });
  newest = { of, at: Date.now(), runs: [...first.values()] };
  return newest.runs;
}

function search(filter: string, among: readonly Experiment[], max: number, signal: AbortSignal) {
  const [first = "", ...others] = among.map((e) => e.id);
  return searchRuns({ experiment: first, others, filter, orderBy: ["attributes.start_time DESC"], max, token: null }, signal);
}

function unique(found: readonly Found[]): readonly Found[] {
  return [...new Map(found.map((f) => [f.hash, f])).values()];
}
