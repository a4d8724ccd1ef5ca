// The server's HTTP API as typed calls. MLflow's JSON is turned into our shapes here and nowhere else.

import type { Range } from "./address";
import type { NameQuery } from "./compare/pattern";
import { decodeValue, type Logged, type LoggedKey, type WireValue } from "./media/logged";
import type { RankState } from "./ranks";
import { decodeLine, WIRE_COLUMNS, wireColumns, type Axis, type Series, type WireLine } from "./series";

export type RunStatus = "RUNNING" | "SCHEDULED" | "FINISHED" | "FAILED" | "KILLED";

export interface Experiment {
  readonly id: string;
  readonly name: string;
  readonly created: number;
  readonly updated: number;
}

export interface Metric {
  readonly value: number;
  readonly step: number;
  readonly time: number;
}

export interface Run {
  readonly id: string;
  readonly name: string;
  readonly experiment: string;
  readonly user: string;
  readonly status: RunStatus;
  /** Milliseconds since the epoch. */
  readonly start: number;
  /** Null while the run goes on. */
  readonly end: number | null;
  readonly deleted: boolean;
  readonly artifactURI: string;
  readonly params: ReadonlyMap<string, string>;
  readonly tags: ReadonlyMap<string, string>;
  /** The latest value of each metric. */
  readonly metrics: ReadonlyMap<string, Metric>;
  /** There are more metrics than those, which nobody asked for. */
  readonly moreMetrics?: boolean;
  readonly datasets: readonly Dataset[];
  /** Logged models that the run has made or read. */
  readonly models: readonly ModelUse[];
}

/** A dataset that a run has read. */
export interface Dataset {
  readonly name: string;
  readonly digest: string;
  /** What for, as "training"; may be empty. */
  readonly context: string;
  readonly source: string;
}

export interface ModelUse {
  readonly id: string;
  readonly made: boolean;
}

export interface Model {
  readonly id: string;
  readonly name: string;
  /** As READY or PENDING. */
  readonly status: string;
}

/** Whose files are looked at: a run's or a logged model's. */
export interface FileOwner {
  readonly kind: "run" | "model";
  readonly id: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Asks for the next page; null at the end. */
  readonly next: string | null;
}

export interface Artifact {
  readonly path: string;
  readonly folder: boolean;
  readonly size: number | null;
}

/** What the server refused, or that it did not answer (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Ajax routes are relative to the page, so that a proxy may serve it under a path. */
export const AJAX = "ajax-api/2.0/mlflow";
export const TRACES = "ajax-api/3.0/mlflow/traces";

/** MLflow's tags that the page reads. */
export const PARENT = "mlflow.parentRunId";
export const NOTE = "mlflow.note.content";
const CONTEXT = "mlflow.data.context";

const EXPERIMENTS_MAX = 1000;

export async function searchExperiments(signal?: AbortSignal): Promise<readonly Experiment[]> {
  const body = { max_results: EXPERIMENTS_MAX, order_by: ["last_update_time DESC"] };
  const answer = await post<{ experiments?: WireExperiment[] }>(`${AJAX}/experiments/search`, body, signal);
  return (answer.experiments ?? []).map((e) => ({
    id: e.experiment_id,
    name: e.name,
    created: Number(e.creation_time ?? 0),
    updated: Number(e.last_update_time ?? 0),
  }));
}

/** Runs without their metrics, which may be a million. */
const NO_METRICS = { metrics: [], otherMetrics: 0 };

/** When the newest run of all began, and in which experiment; null if there is none. Experiments do not change with their runs. */
export async function newestRun(
  experiments: readonly Experiment[],
  signal?: AbortSignal,
): Promise<{ readonly experiment: string; readonly start: number } | null> {
  const [experiment, ...others] = experiments.map((e) => e.id);
  if (experiment === undefined) return null;
  const { items } = await searchRuns({ experiment, others, filter: "", orderBy: ["attributes.start_time DESC"], max: 1, token: null, ...NO_METRICS }, signal);
  const run = items[0];
  return run ? { experiment: run.experiment, start: run.start } : null;
}

/** One page of a search for runs. */
export interface RunSearch {
  readonly experiment: string;
  /** Further experiments. */
  readonly others?: readonly string[];
  /** Deleted runs in place of the others. */
  readonly deleted?: boolean;
  readonly filter: string;
  readonly orderBy: readonly string[];
  readonly max: number;
  readonly token: string | null;
  /** The metrics that are wanted, at most 200; of others each run has so many. Left out: all of them, of which there may be a million. */
  readonly metrics?: readonly string[];
  readonly otherMetrics?: number;
}

export async function searchRuns(search: RunSearch, signal?: AbortSignal): Promise<Page<Run>> {
  const body = {
    ...foundBy(search),
    max_results: search.max,
    order_by: search.orderBy,
    ...(search.token === null ? {} : { page_token: search.token }),
    ...(search.metrics === undefined ? {} : { metrics: search.metrics }),
    ...(search.otherMetrics === undefined ? {} : { other_metrics: search.otherMetrics }),
  };
  const path = search.metrics === undefined ? `${AJAX}/runs/search` : "v1/runs/search";
  const answer = await post<{ runs?: WireRun[]; more_metrics?: readonly string[]; next_page_token?: string }>(path, body, signal);
  const more = new Set(answer.more_metrics);
  return { items: (answer.runs ?? []).map((r) => (more.has(r.info.run_id) ? { ...decodeRun(r), moreMetrics: true } : decodeRun(r))), next: answer.next_page_token || null };
}

/** Which runs are meant. */
export type RunFinder = Pick<RunSearch, "experiment" | "others" | "deleted" | "filter">;

const foundBy = ({ experiment, others = [], deleted = false, filter }: RunFinder) => ({
  experiment_ids: [experiment, ...others],
  filter,
  run_view_type: deleted ? "DELETED_ONLY" : "ACTIVE_ONLY",
});

/** Runs that have one value, with what their metrics are like. */
export interface RunGroup {
  /** Null: the runs that have none. */
  readonly value: string | null;
  readonly runs: number;
  readonly metrics: readonly Spread[];
}

/** Of finite latest values; null where there are too few. */
export interface Spread {
  readonly key: string;
  readonly runs: number;
  readonly mean: number | null;
  readonly std: number | null;
  readonly min: number | null;
  readonly max: number | null;
}

export interface RunGroups {
  readonly runs: number;
  /** There are more runs than were counted. */
  readonly more: boolean;
  readonly groups: readonly RunGroup[];
  readonly more_groups: boolean;
}

/** Counts runs by a value; null: all together. */
export async function groupRuns(runs: RunFinder, by: string | null, metrics: readonly string[], signal?: AbortSignal): Promise<RunGroups> {
  return post<RunGroups>("v1/runs/groups", { ...foundBy(runs), ...(by === null ? {} : { by }), metrics }, signal);
}

/** The ids of all runs that are meant, in no order. */
export async function runIDs(runs: RunFinder, signal?: AbortSignal): Promise<readonly string[]> {
  return (await post<{ run_ids: readonly string[] }>("v1/runs/ids", foundBy(runs), signal)).run_ids;
}

/** Runs that say they are running and gave no sign for minutes, with when they last did. */
export async function silentRuns(runs: RunFinder, signal?: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const filter = "attributes.status = 'RUNNING'";
  const answer = await post<{ runs: readonly { run_id: string; seen: number }[] }>("v1/runs/silent", foundBy({ ...runs, filter }), signal);
  return new Map(answer.runs.map((r) => [r.run_id, r.seen]));
}

export async function renameRun(run: string, name: string): Promise<void> {
  await post(`${AJAX}/runs/update`, { run_id: run, run_name: name });
}

export async function getRun(id: string, signal?: AbortSignal): Promise<Run> {
  const answer = await get<{ run: WireRun }>(`${AJAX}/runs/get?run_id=${encodeURIComponent(id)}`, signal);
  return decodeRun(answer.run);
}

/** A run without its metrics. */
export async function getBrief(id: string, signal?: AbortSignal): Promise<Run> {
  return decodeRun((await get<{ run: WireRun }>(`v1/runs/${encodeURIComponent(id)}`, signal)).run);
}

/** The first metrics of a run by name, of those that have a text in it. */
export async function metricsOf(id: string, query: NameQuery & { readonly prefix?: string }, max: number, signal?: AbortSignal): Promise<{ metrics: Run["metrics"]; more: boolean }> {
  const fields = new URLSearchParams({ ...query, max_results: String(max) });
  const answer = await get<{ metrics: readonly WireMetric[]; next_page_token?: string }>(`v1/runs/${encodeURIComponent(id)}/metrics?${fields}`, signal);
  return { metrics: new Map(answer.metrics.map(decodeMetric)), more: Boolean(answer.next_page_token) };
}

export async function setTag(run: string, key: string, value: string): Promise<void> {
  await post(`${AJAX}/runs/set-tag`, { run_id: run, key, value });
}

export async function deleteTag(run: string, key: string): Promise<void> {
  await post(`${AJAX}/runs/delete-tag`, { run_id: run, key });
}

export async function deleteRun(run: string): Promise<void> {
  await post(`${AJAX}/runs/delete`, { run_id: run });
}

export async function restoreRun(run: string): Promise<void> {
  await post(`${AJAX}/runs/restore`, { run_id: run });
}

/** The runs that are nested in a run, the oldest first, without metrics. */
export async function nestedRuns(run: Run, max: number, signal?: AbortSignal): Promise<Page<Run>> {
  const filter = `tags.\`${PARENT}\` = '${run.id}'`;
  return searchRuns({ experiment: run.experiment, filter, orderBy: ["attributes.start_time ASC"], max, token: null, ...NO_METRICS }, signal);
}

/** The runs of the same experiment that were forked from a run, the oldest first, without metrics. */
export async function forksOf(run: Run, max: number, signal?: AbortSignal): Promise<Page<Run>> {
  const filter = `tags.\`streamgauge.fork.parent\` = '${run.id}'`;
  return searchRuns({ experiment: run.experiment, filter, orderBy: ["attributes.start_time ASC"], max, token: null, ...NO_METRICS }, signal);
}

/** The search for the traces that were made in a run, the newest first. */
export function tracesIn(run: string, experiment: string): object {
  return {
    locations: [{ type: "MLFLOW_EXPERIMENT", mlflow_experiment: { experiment_id: experiment } }],
    filter: `attributes.run_id = '${run}'`,
    order_by: ["timestamp_ms DESC"],
  };
}

export async function hasTraces(run: string, experiment: string, signal?: AbortSignal): Promise<boolean> {
  const answer = await post<{ traces?: unknown[] }>(`${TRACES}/search`, { ...tracesIn(run, experiment), max_results: 1 }, signal);
  return (answer.traces ?? []).length > 0;
}

export async function getModel(id: string, signal?: AbortSignal): Promise<Model> {
  const { model } = await get<{ model: WireModel }>(`${AJAX}/logged-models/${encodeURIComponent(id)}`, signal);
  return { id, name: model.info.name ?? "", status: (model.info.status ?? "").replace("LOGGED_MODEL_", "") };
}

export async function listArtifacts(owner: FileOwner, path: string, signal?: AbortSignal): Promise<readonly Artifact[]> {
  const answer = await get<{ files?: WireFile[] }>(
    owner.kind === "run"
      ? `${AJAX}/artifacts/list?${new URLSearchParams({ run_id: owner.id, ...(path === "" ? {} : { path }) })}`
      : `${AJAX}/logged-models/${encodeURIComponent(owner.id)}/artifacts/directories?${new URLSearchParams(path === "" ? {} : { artifact_directory_path: path })}`,
    signal,
  );
  return (answer.files ?? []).map((f) => ({
    path: f.path,
    folder: f.is_dir ?? false,
    size: f.file_size === undefined ? null : Number(f.file_size),
  }));
}

export function artifactURL(owner: FileOwner, path: string): string {
  return owner.kind === "run"
    ? `get-artifact?${new URLSearchParams({ run_id: owner.id, path })}`
    : `${AJAX}/logged-models/${encodeURIComponent(owner.id)}/artifacts/files?${new URLSearchParams({ artifact_file_path: path })}`;
}

/** Where an HTML or PDF file is shown in a frame, with headers that keep it from acting on the server. */
export function pageURL(owner: FileOwner, path: string): string {
  return `v1/artifacts/page?${new URLSearchParams({ ...ownerField(owner), path })}`;
}

/** Where a folder, or all files, are one zip. */
export function archiveURL(owner: FileOwner, path: string): string {
  return `v1/artifacts/archive?${new URLSearchParams({ ...ownerField(owner), ...(path === "" ? {} : { path }) })}`;
}

function ownerField({ kind, id }: FileOwner): Record<string, string> {
  return kind === "run" ? { run_id: id } : { model_id: id };
}

/** What a chart asks for. */
export interface SeriesAsk {
  readonly runs: readonly string[];
  readonly keys: readonly string[];
  readonly axis: Axis;
  /** On the axis: steps or milliseconds. */
  readonly range: Range | null;
  /** At most so many rows a line; spikes stand in each row's least and greatest value. */
  readonly buckets: number;
  /** Rows without times: enough for an axis of steps to which nothing is added live. */
  readonly timeless?: boolean;
}

/** Metrics of runs; a metric that a run has not logged has no series. */
export async function readSeries(ask: SeriesAsk, signal?: AbortSignal): Promise<readonly Series[]> {
  const body = { run_ids: ask.runs, keys: ask.keys, axis: ask.axis, buckets: ask.buckets, columns: wireColumns(!ask.timeless), ...(ask.range ?? {}) };
  const answer = await post<{ series: readonly WireLine[] }>("v1/series", body, signal);
  return answer.series.map(decodeLine);
}

/** A line of a rank, or of all ranks together. */
export interface RankSeries {
  readonly rank: number | null;
  readonly series: Series;
}

export interface RanksAsk {
  readonly run: string;
  readonly key: string;
  /** A rank's number, `each` or `merged`. */
  readonly rank: string;
  readonly range: Range | null;
  readonly buckets: number;
}

/** One metric of a run's ranks by step. */
export async function readRanks({ run, key, rank, range, buckets }: RanksAsk, signal?: AbortSignal): Promise<readonly RankSeries[]> {
  const body = { run_ids: [run], keys: [key], rank, buckets, columns: WIRE_COLUMNS, ...(range ?? {}) };
  const answer = await post<{ series: readonly (WireLine & { rank: number | null })[] }>("v1/series", body, signal);
  return answer.series.map((line) => ({ rank: line.rank, series: decodeLine(line) }));
}

/** Who of the ranks is behind; empty if the run has not logged the metric. */
export async function ranksOf(run: string, key: string, signal?: AbortSignal): Promise<readonly RankState[]> {
  const answer = await get<{ ranks: readonly RankState[] }>(`v1/runs/${encodeURIComponent(run)}/ranks?${new URLSearchParams({ key })}`, signal);
  return answer.ranks;
}

/** What a run has logged beside numbers, by name. */
export async function valueKeys(run: string, max: number, steps: number, signal?: AbortSignal): Promise<Page<LoggedKey>> {
  const path = `v1/runs/${encodeURIComponent(run)}/values/keys?${new URLSearchParams({ limit: String(max), steps: String(steps) })}`;
  const answer = await get<{ keys: readonly Omit<LoggedKey, "files">[]; after: string; more: boolean }>(path, signal);
  return { items: answer.keys.map(({ key, kinds, steps }) => ({ key, kinds, steps, files: null })), next: answer.more ? answer.after : null };
}

const VALUES_MAX = 1000;

/** A run's values of a key at some steps, as many as one page holds. */
export async function valuesAt(run: string, key: string, steps: readonly number[], signal?: AbortSignal): Promise<readonly Logged[]> {
  const fields = new URLSearchParams([["key", key], ["limit", String(VALUES_MAX)], ...steps.map((step) => ["step", String(step)])]);
  return (await get<{ values: readonly WireValue[] }>(`v1/runs/${encodeURIComponent(run)}/values?${fields}`, signal)).values.map(decodeValue);
}

export interface ConsoleLine {
  readonly timestamp: number;
  readonly rank: number;
  readonly attempt: number;
  readonly stream: "stdout" | "stderr";
  readonly number: number;
  readonly text: string;
}

export interface ConsolePage {
  readonly lines: readonly ConsoleLine[];
  /** Where the next page, or what comes later, begins. */
  readonly after: string;
  readonly more: boolean;
}

export async function consoleLines(
  run: string,
  stream: "" | "stdout" | "stderr",
  after: string | null,
  limit: number,
  signal?: AbortSignal,
): Promise<ConsolePage> {
  const fields = new URLSearchParams({ limit: String(limit), ...(stream === "" ? {} : { stream }), ...(after === null ? {} : { after }) });
  return get<ConsolePage>(`v1/runs/${encodeURIComponent(run)}/console?${fields}`, signal);
}

/** A page of the names of a run's metrics, by name. */
export async function metricNames(
  run: string,
  query: NameQuery,
  max: number,
  token: string | null,
  signal?: AbortSignal,
): Promise<Page<string>> {
  const fields = new URLSearchParams({ ...query, max_results: String(max), ...(token === null ? {} : { page_token: token }) });
  const path = `v1/runs/${encodeURIComponent(run)}/metrics?${fields}`;
  const answer = await get<{ metrics: readonly { key: string }[]; next_page_token?: string }>(path, signal);
  return { items: answer.metrics.map((m) => m.key), next: answer.next_page_token || null };
}

/** What a metric of runs depends on. */
export interface Importance {
  readonly runs: number;
  /** Runs of the search that do not have the metric. */
  readonly without: number;
  /** The search finds more than were looked at. */
  readonly more: boolean;
  /** How much of the metric's order the params predict, 0 to 1. */
  readonly explained: number;
  readonly params: readonly {
    readonly key: string;
    /** Part of the importance of all, 0 to 1. */
    readonly importance: number;
    /** -1 to 1; null for texts. */
    readonly correlation: number | null;
    readonly runs: number;
    readonly values: number;
  }[];
}

export async function importanceOf(experiments: readonly string[], filter: string, metric: string, signal?: AbortSignal): Promise<Importance> {
  const { runs_without: without, ...answer } = await post<Omit<Importance, "without"> & { runs_without: number }>(
    "v1/importance",
    { experiment_ids: experiments, filter, metric },
    signal,
  );
  return { ...answer, without };
}

/** What the server counts of itself. */
export interface ServerCounts {
  /** All points of active runs. */
  readonly points: number;
  /** Those of them that are safe on the bus and not yet in ClickHouse. */
  readonly points_waiting: number;
  readonly runs: number;
  readonly experiments: number;
}

export async function getStatus(signal?: AbortSignal): Promise<ServerCounts> {
  return get<ServerCounts>("v1/status", signal);
}

/** Null when every part can serve, else the reason why not. */
export async function getHealth(signal?: AbortSignal): Promise<string | null> {
  try {
    const response = await fetch("health", signal ? { signal } : {});
    return response.ok ? null : (await response.text()).trim() || `status ${response.status}`;
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError(0, "NO_ANSWER", "The server does not answer.");
  }
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return ask<T>(path, signal ? { signal } : {});
}

export async function post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return send<T>("POST", path, body, signal);
}

export async function send<T>(method: "POST" | "PATCH" | "DELETE", path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const headers = { "Content-Type": "application/json" };
  return ask<T>(path, { method, headers, body: JSON.stringify(body), ...(signal ? { signal } : {}) });
}

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, init);
    text = await response.text();
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new ApiError(0, "NO_ANSWER", "The server does not answer.");
  }
  if (!response.ok) throw refused(response.status, text);
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new ApiError(response.status, "NO_JSON", `The server answered ${path} with something that is not JSON.`);
  }
}

function refused(status: number, text: string): ApiError {
  try {
    const { error_code, message } = JSON.parse(text) as { error_code?: string; message?: string };
    return new ApiError(status, error_code ?? String(status), message || `The server answered with status ${status}.`);
  } catch {
    return new ApiError(status, String(status), text.slice(0, 300) || `The server answered with status ${status}.`);
  }
}

interface WireExperiment {
  experiment_id: string;
  name: string;
  creation_time?: number | string;
  last_update_time?: number | string;
}

export interface WirePair {
  key: string;
  value?: string;
}

interface WireMetric {
  key: string;
  value?: number | string;
  timestamp?: number | string;
  step?: number | string;
}

interface WireRun {
  info: {
    run_id: string;
    run_name?: string;
    experiment_id: string;
    user_id?: string;
    status: RunStatus;
    start_time?: number | string;
    end_time?: number | string;
    lifecycle_stage?: string;
    artifact_uri?: string;
  };
  data?: { metrics?: WireMetric[]; params?: WirePair[]; tags?: WirePair[] };
  inputs?: {
    dataset_inputs?: { tags?: WirePair[]; dataset?: { name?: string; digest?: string; source_type?: string } }[];
    model_inputs?: { model_id: string }[];
  };
  outputs?: { model_outputs?: { model_id: string }[] };
}

interface WireModel {
  info: { name?: string; status?: string };
}

interface WireFile {
  path: string;
  is_dir?: boolean;
  file_size?: number | string;
}

/** NaN and infinities travel as texts, which Number reads. */
const decodeMetric = (m: WireMetric): [string, Metric] => [m.key, { value: Number(m.value ?? 0), step: Number(m.step ?? 0), time: Number(m.timestamp ?? 0) }];

function decodeRun(run: WireRun): Run {
  const { info, data, inputs, outputs } = run;
  return {
    id: info.run_id,
    name: info.run_name || info.run_id.slice(0, 8),
    experiment: info.experiment_id,
    user: info.user_id ?? "",
    status: info.status,
    start: Number(info.start_time ?? 0),
    end: info.end_time ? Number(info.end_time) : null,
    deleted: info.lifecycle_stage === "deleted",
    artifactURI: info.artifact_uri ?? "",
    params: new Map((data?.params ?? []).map((p) => [p.key, p.value ?? ""])),
    tags: new Map((data?.tags ?? []).map((t) => [t.key, t.value ?? ""])),
    metrics: new Map((data?.metrics ?? []).map(decodeMetric)),
    datasets: (inputs?.dataset_inputs ?? []).map((d) => ({
      name: d.dataset?.name ?? "",
      digest: d.dataset?.digest ?? "",
      context: d.tags?.find((t) => t.key === CONTEXT)?.value ?? "",
      source: d.dataset?.source_type ?? "",
    })),
    models: [
      ...(outputs?.model_outputs ?? []).map((m) => ({ id: m.model_id, made: true })),
      ...(inputs?.model_inputs ?? []).map((m) => ({ id: m.model_id, made: false })),
    ],
  };
}
