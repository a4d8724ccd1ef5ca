// Alerts as /v1/alerts has them, and how a form and an alert become each other.

import { get, post, send } from "./api";

export const KINDS = ["threshold", "nan", "plateau", "no_heartbeat", "state"] as const;
export type Kind = (typeof KINDS)[number];

export const OPS = [">", "<", ">=", "<="] as const;
export const STATES = ["FINISHED", "FAILED", "KILLED", "CRASHED"] as const;

export interface Channel {
  /** Stays when the channel changes: what waits to be told goes on to its new address. */
  readonly id?: string;
  readonly type: "webhook" | "slack" | "email";
  readonly url?: string;
  readonly secret?: string;
  readonly has_secret?: boolean;
  readonly to?: readonly string[];
}

export interface Alert {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly experiment_ids?: readonly string[];
  readonly run_id?: string;
  readonly kind: Kind;
  readonly metric?: string;
  readonly ranks?: string;
  readonly threshold?: { readonly op: string; readonly value: number; readonly for_points?: number };
  readonly plateau?: { readonly points: number; readonly min_delta: number; readonly direction: string };
  readonly no_heartbeat?: { readonly after_ms: number };
  readonly state?: { readonly states: readonly string[] };
  readonly channels: readonly Channel[];
}

export interface Delivery {
  readonly channel: string;
  readonly attempts: number;
  readonly error?: string;
  readonly state: "WAITING" | "DELIVERED" | "GIVEN_UP";
}

export interface AlertEvent {
  readonly id: string;
  readonly type: "fired" | "resolved";
  readonly rule_id: string;
  readonly rule_name: string;
  readonly kind: Kind;
  readonly run_id: string;
  readonly metric?: string;
  readonly rank: number;
  readonly value: number | string;
  readonly step: number;
  readonly state?: string;
  readonly found_ms: number;
  readonly deliveries?: readonly Delivery[];
}

export interface TestResult {
  readonly channel: string;
  readonly success: boolean;
  readonly status: number;
  readonly error?: string;
}

const PATH = "v1/alerts";
const at = (id: string) => `${PATH}/${encodeURIComponent(id)}`;

export async function listAlerts(signal?: AbortSignal): Promise<readonly Alert[]> {
  const out: Alert[] = [];
  for (let token = ""; ; ) {
    const page = await get<{ alerts: Alert[]; next_page_token: string }>(`${PATH}?page_token=${token}`, signal);
    out.push(...page.alerts);
    token = page.next_page_token;
    if (token === "") return out;
  }
}

export async function saveAlert(id: string | null, alert: unknown): Promise<void> {
  await (id === null ? post(PATH, alert) : send("PATCH", at(id), alert));
}

export async function deleteAlert(id: string): Promise<void> {
  await send("DELETE", at(id), {});
}

export async function testAlert(id: string): Promise<readonly TestResult[]> {
  return (await post<{ results: TestResult[] }>(`${at(id)}/test`, {})).results;
}

export async function alertHistory(rule: string | null, token: string, signal?: AbortSignal): Promise<{ events: readonly AlertEvent[]; next: string }> {
  const page = await get<{ events: AlertEvent[]; next_page_token: string }>(`${PATH}/history?rule=${encodeURIComponent(rule ?? "")}&page_token=${token}`, signal);
  return { events: page.events, next: page.next_page_token };
}

/** What an alert waits for, in a few words. */
export function when(a: Alert): string {
  const metric = a.metric || "any metric";
  if (a.threshold) return `${metric} ${a.threshold.op} ${a.threshold.value}${(a.threshold.for_points ?? 1) > 1 ? ` for ${a.threshold.for_points} points` : ""}`;
  if (a.plateau) return `${metric} is no better for ${a.plateau.points} points`;
  if (a.no_heartbeat) return `silent for ${a.no_heartbeat.after_ms / 1000} s`;
  if (a.state) return `becomes ${a.state.states.join(" or ")}`;
  return `${metric} is NaN or infinite`;
}

export function found(e: AlertEvent): string {
  if (e.metric) return `${e.metric} = ${e.value} at step ${e.step}${e.rank > 0 ? `, rank ${e.rank}` : ""}`;
  return e.state || e.kind;
}

export function told(e: AlertEvent): string {
  return (e.deliveries ?? []).map((d) => `${d.channel}: ${d.state.toLowerCase().replace("_", " ")}${d.error ? ` (${d.error})` : ""}`).join(", ");
}

/** What the form has: texts as they are typed. */
export interface Form {
  name: string;
  enabled: boolean;
  /** By id. */
  experiments: readonly string[];
  run: string;
  kind: Kind;
  metric: string;
  rankZero: boolean;
  op: string;
  value: string;
  points: string;
  minDelta: string;
  direction: string;
  afterSeconds: string;
  states: string[];
  webhook: string;
  secret: string;
  slack: string;
  email: string;
}

const firstOf = (a: Alert | null, type: Channel["type"]) => a?.channels.find((c) => c.type === type);

export function formOf(a: Alert | null, experiment: string | null): Form {
  const url = (type: Channel["type"]) => firstOf(a, type)?.url ?? "";
  return {
    name: a?.name ?? "",
    enabled: a?.enabled ?? true,
    experiments: a ? (a.experiment_ids ?? []) : experiment === null ? [] : [experiment],
    run: a?.run_id ?? "",
    kind: a?.kind ?? "threshold",
    metric: a?.metric ?? "",
    rankZero: a?.ranks === "zero",
    op: a?.threshold?.op ?? ">",
    value: String(a?.threshold?.value ?? ""),
    points: String(a?.threshold?.for_points || a?.plateau?.points || 1),
    minDelta: String(a?.plateau?.min_delta ?? 0),
    direction: a?.plateau?.direction ?? "min",
    afterSeconds: String((a?.no_heartbeat?.after_ms ?? 300_000) / 1000),
    states: [...(a?.state?.states ?? ["FAILED", "CRASHED"])],
    webhook: url("webhook"),
    secret: "",
    slack: url("slack"),
    email: (firstOf(a, "email")?.to ?? []).join(", "),
  };
}

const list = (text: string) => text.split(/[\s,]+/).filter((t) => t !== "");

/** Channels that the form has no place for: it shows the first of each type. */
function others(a: Alert | null): readonly Channel[] {
  const seen = new Set<string>();
  return (a?.channels ?? []).filter((c) => seen.has(c.type) || !seen.add(c.type));
}

/** What is sent. The server says what is wrong with it, but for numbers that are none. */
export function alertOf(f: Form, old: Alert | null): Record<string, unknown> {
  const number = (name: string, text: string) => {
    const n = Number(text);
    if (text.trim() === "" || !Number.isFinite(n)) throw new Error(`${name}: “${text}” is no number`);
    return n;
  };
  const known = (type: Channel["type"]) => {
    const id = firstOf(old, type)?.id;
    return id === undefined ? { type } : { type, id };
  };
  const pointwise = f.kind === "threshold" || f.kind === "nan" || f.kind === "plateau";
  const out: Record<string, unknown> = {
    name: f.name,
    enabled: f.enabled,
    experiment_ids: f.run.trim() ? [] : f.experiments,
    run_id: f.run.trim(),
    kind: f.kind,
    metric: pointwise ? f.metric.trim() : "",
    ranks: pointwise && f.rankZero ? "zero" : "each",
    channels: [
      ...(f.webhook.trim() ? [{ ...known("webhook"), url: f.webhook.trim(), ...(f.secret ? { secret: f.secret } : {}) }] : []),
      ...(f.slack.trim() ? [{ ...known("slack"), url: f.slack.trim() }] : []),
      ...(f.email.trim() ? [{ ...known("email"), to: list(f.email) }] : []),
      ...others(old),
    ],
  };
  if (f.kind === "threshold") out["threshold"] = { op: f.op, value: number("Limit", f.value), for_points: number("Points", f.points) };
  if (f.kind === "plateau") out["plateau"] = { points: number("Points", f.points), min_delta: number("Better by", f.minDelta), direction: f.direction };
  if (f.kind === "no_heartbeat") out["no_heartbeat"] = { after_ms: number("Seconds", f.afterSeconds) * 1000 };
  if (f.kind === "state") out["state"] = { states: f.states };
  return out;
}
