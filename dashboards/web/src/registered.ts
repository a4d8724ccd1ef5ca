// Registered models, their versions, stages, aliases and approvals, as typed calls.

import { AJAX, ApiError, get, post, send, type Page, type WirePair } from "./api";

export const STAGES = ["None", "Staging", "Production", "Archived"] as const;
export type Stage = (typeof STAGES)[number];

export interface Version {
  readonly model: string;
  readonly number: number;
  readonly stage: Stage;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly user: string;
  readonly description: string;
  readonly source: string;
  /** The run that it comes from, and the logged model; null if nobody said. */
  readonly run: string | null;
  readonly logged: string | null;
  readonly aliases: readonly string[];
  readonly tags: ReadonlyMap<string, string>;
}

export interface Registered {
  readonly name: string;
  readonly created: number;
  readonly updated: number;
  readonly description: string;
  readonly tags: ReadonlyMap<string, string>;
  /** The newest version of each stage. */
  readonly latest: readonly Version[];
  readonly aliases: readonly { readonly alias: string; readonly version: number }[];
}

/** A change of a version's stage. */
export interface Transition {
  readonly version: number;
  readonly from: Stage;
  readonly to: Stage;
  readonly time: number;
  readonly by: string;
  readonly comment: string;
}

/** An alias that points to another version; null: to none. */
export interface AliasChange {
  readonly alias: string;
  readonly from: number | null;
  readonly to: number | null;
  readonly time: number;
  readonly by: string;
}

/** What was done to a model's versions, the newest first. */
export interface Moves {
  readonly transitions: readonly Transition[];
  readonly aliases: readonly AliasChange[];
}

export interface Verdict {
  readonly by: string;
  readonly time_ms: number;
  readonly approved: boolean;
  readonly comment: string;
}

/** A request to put a version into a stage that needs approvals. */
export interface Approval {
  readonly id: string;
  readonly version: number;
  readonly stage: Stage;
  readonly status: "PENDING" | "APPROVED" | "REJECTED" | "CLOSED";
  readonly required: number;
  readonly approvals: number;
  readonly by: string;
  readonly time: number;
  readonly comment: string;
  readonly verdicts: readonly Verdict[];
}

/** A page of models whose names contain a text, by name. */
export async function searchRegistered(search: string, max: number, token: string | null, signal?: AbortSignal): Promise<Page<Registered>> {
  const fields = new URLSearchParams({ max_results: String(max), ...(search === "" ? {} : { filter: `name ILIKE ${like(search)}` }), ...(token === null ? {} : { page_token: token }) });
  const answer = await get<{ registered_models?: WireRegistered[]; next_page_token?: string }>(`${AJAX}/registered-models/search?${fields}`, signal);
  return { items: (answer.registered_models ?? []).map(decodeRegistered), next: answer.next_page_token || null };
}

export async function getRegistered(name: string, signal?: AbortSignal): Promise<Registered> {
  const answer = await get<{ registered_model: WireRegistered }>(`${AJAX}/registered-models/get?${new URLSearchParams({ name })}`, signal);
  return decodeRegistered(answer.registered_model);
}

/** A page of a model's versions, the newest first. */
export async function versionsOf(name: string, max: number, token: string | null, signal?: AbortSignal): Promise<Page<Version>> {
  const page = await searchVersions(named(name), max, token, signal);
  return { ...page, items: page.items.filter((v) => v.model === name) };
}

/** Has versions of a model, and some of models of like names if the name has both quotes: MLflow's grammar has no escapes. */
function named(name: string): string {
  return name.includes("'") && name.includes('"') ? `name LIKE '${name.replaceAll("'", "_")}'` : `name = ${quoted(name)}`;
}

/** The versions that come from a run, the newest first. */
export async function versionsFrom(run: string, max: number, signal?: AbortSignal): Promise<Page<Version>> {
  return searchVersions(`run_id = ${quoted(run)}`, max, null, signal);
}

async function searchVersions(filter: string, max: number, token: string | null, signal?: AbortSignal): Promise<Page<Version>> {
  const fields = new URLSearchParams({ filter, max_results: String(max), order_by: "version_number DESC", ...(token === null ? {} : { page_token: token }) });
  const answer = await get<{ model_versions?: WireVersion[]; next_page_token?: string }>(`${AJAX}/model-versions/search?${fields}`, signal);
  return { items: (answer.model_versions ?? []).map(decodeVersion), next: answer.next_page_token || null };
}

export async function movesOf(name: string, signal?: AbortSignal): Promise<Moves> {
  const path = `v1/registered-models/${encodeURIComponent(name)}/transitions`;
  const answer = await get<{ transitions: readonly WireTransition[]; alias_changes: readonly WireAliasChange[] }>(path, signal);
  const version = (text: string) => (text === "" ? null : Number(text));
  return {
    transitions: answer.transitions.map((t) => ({ version: Number(t.version), from: t.from_stage, to: t.to_stage, time: t.time_ms, by: t.by, comment: t.comment })),
    aliases: answer.alias_changes.map((c) => ({ alias: c.alias, from: version(c.from_version), to: version(c.to_version), time: c.time_ms, by: c.by })),
  };
}

export interface Move {
  readonly name: string;
  readonly version: number;
  readonly stage: Stage;
  /** Whether others of the stage go to the archive. */
  readonly archive: boolean;
  readonly comment: string;
}

export async function moveVersion({ name, version, stage, archive, comment }: Move): Promise<void> {
  const body = { name, version: String(version), stage, archive_existing_versions: archive, comment };
  await post(`${AJAX}/model-versions/transition-stage`, body);
}

export async function setAlias(name: string, alias: string, version: number): Promise<void> {
  await post(`${AJAX}/registered-models/alias`, { name, alias, version: String(version) });
}

export async function deleteAlias(name: string, alias: string): Promise<void> {
  await send("DELETE", `${AJAX}/registered-models/alias`, { name, alias });
}

/** The requests for a model's versions, the newest first. */
export async function approvalsOf(model: string, signal?: AbortSignal): Promise<readonly Approval[]> {
  const answer = await get<{ approvals: readonly WireApproval[] }>(`v1/approvals?${new URLSearchParams({ model })}`, signal);
  return answer.approvals.map((a) => ({ ...a, version: Number(a.version), by: a.requested_by, time: a.requested_ms }));
}

export async function requestApproval(model: string, version: number, stage: Stage, comment: string): Promise<void> {
  await post("v1/approvals", { model, version: String(version), stage, comment });
}

/** Says yes or no to a request; by is who, where no token says it. */
export async function judge(id: string, approved: boolean, comment: string, by: string): Promise<void> {
  await post(`v1/approvals/${encodeURIComponent(id)}/${approved ? "approve" : "reject"}`, { comment, ...(by === "" ? {} : { by }) });
}

/** Whether a refusal means that the stage needs approvals first. */
export function needsApproval(cause: unknown): boolean {
  return cause instanceof ApiError && /approval/i.test(cause.message);
}

/** A text of MLflow's grammar, which has no escapes: of one with both quotes the server says that it cannot be read. */
export function quoted(text: string): string {
  return text.includes("'") ? `"${text}"` : `'${text}'`;
}

function like(text: string): string {
  return quoted(`%${text}%`);
}

interface WireRegistered {
  name: string;
  creation_timestamp?: number | string;
  last_updated_timestamp?: number | string;
  description?: string;
  tags?: WirePair[];
  latest_versions?: WireVersion[];
  aliases?: { alias: string; version: string }[];
}

interface WireVersion {
  name: string;
  version: string;
  current_stage?: Stage;
  creation_timestamp?: number | string;
  user_id?: string;
  description?: string;
  source?: string;
  run_id?: string;
  model_id?: string;
  aliases?: string[];
  tags?: WirePair[];
}

interface WireTransition {
  version: string;
  from_stage: Stage;
  to_stage: Stage;
  time_ms: number;
  by: string;
  comment: string;
}

interface WireAliasChange {
  alias: string;
  from_version: string;
  to_version: string;
  time_ms: number;
  by: string;
}

type WireApproval = Omit<Approval, "version" | "by" | "time"> & { version: string; requested_by: string; requested_ms: number };

const pairs = (tags: WirePair[] | undefined) => new Map((tags ?? []).map((t) => [t.key, t.value ?? ""]));

function decodeRegistered(m: WireRegistered): Registered {
  return {
    name: m.name,
    created: Number(m.creation_timestamp ?? 0),
    updated: Number(m.last_updated_timestamp ?? 0),
    description: m.description ?? "",
    tags: pairs(m.tags),
    latest: (m.latest_versions ?? []).map(decodeVersion),
    aliases: (m.aliases ?? []).map((a) => ({ alias: a.alias, version: Number(a.version) })),
  };
}

function decodeVersion(v: WireVersion): Version {
  return {
    model: v.name,
    number: Number(v.version),
    stage: v.current_stage ?? "None",
    created: Number(v.creation_timestamp ?? 0),
    user: v.user_id ?? "",
    description: v.description ?? "",
    source: v.source ?? "",
    run: v.run_id || null,
    logged: v.model_id || null,
    aliases: v.aliases ?? [],
    tags: pairs(v.tags),
  };
}
