// What is known of a trace beside its spans: how it was judged, what it cost, whose it was. Pure.

import { readable, type Named } from "./spans";

/** A judgement on a trace or on one of its spans. */
export interface Assessment {
  readonly id: string;
  readonly name: string;
  readonly kind: "feedback" | "expectation" | "issue";
  /** A number, a word or JSON; empty where judging failed. */
  readonly value: string;
  /** What a yes or a no says; null of any other value. */
  readonly good: boolean | null;
  /** Why there is no value. */
  readonly error: string;
  /** As `human` or `LLM judge`, and who or which that is. */
  readonly source: string;
  readonly by: string;
  /** Milliseconds since the epoch, when it was changed last; 0 if nobody said. */
  readonly time: number;
  /** Of that span alone. */
  readonly span: string | null;
  readonly rationale: string;
  readonly metadata: readonly Named[];
  /** Not taken back, and not replaced by a later one. */
  readonly valid: boolean;
}

/** Tokens; null where nobody counted. */
export interface Usage {
  readonly input: number | null;
  readonly output: number | null;
  readonly total: number | null;
}

export interface TraceFacts {
  /** Those that count first. */
  readonly assessments: readonly Assessment[];
  readonly usage: Usage | null;
  /** Session, user and the like, then tags and metadata that people set. */
  readonly named: readonly Named[];
}

interface WireError {
  readonly error_code?: string;
  readonly error_message?: string;
}

/** As MLflow's API has it. */
export interface WireAssessment {
  readonly assessment_id?: string;
  readonly assessment_name?: string;
  readonly span_id?: string;
  readonly source?: { readonly source_type?: string; readonly source_id?: string };
  readonly create_time?: string;
  readonly last_update_time?: string;
  readonly feedback?: { readonly value?: unknown; readonly error?: WireError };
  readonly expectation?: { readonly value?: unknown; readonly serialized_value?: { readonly value?: string } };
  readonly issue?: { readonly issue_name?: string };
  readonly rationale?: string;
  readonly error?: WireError;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly valid?: boolean;
}

export interface WireFacts {
  readonly assessments?: readonly WireAssessment[];
  readonly tags?: Readonly<Record<string, string>>;
  readonly trace_metadata?: Readonly<Record<string, string>>;
}

const SOURCES: Readonly<Record<string, string>> = { HUMAN: "human", LLM_JUDGE: "LLM judge", AI_JUDGE: "LLM judge", CODE: "code" };
const GOOD = new Set(["yes", "true", "pass", "passed", "correct"]);
const BAD = new Set(["no", "false", "fail", "failed", "incorrect"]);

export function decodeFacts({ assessments = [], tags = {}, trace_metadata: metadata = {} }: WireFacts): TraceFacts {
  const all = assessments.map(decodeAssessment);
  return {
    assessments: [...all.filter((a) => a.valid), ...all.filter((a) => !a.valid)],
    usage: usageOf(metadata["mlflow.trace.tokenUsage"]),
    named: [
      ...some("session", metadata["mlflow.trace.session"]),
      ...some("user", metadata["mlflow.trace.user"] ?? metadata["mlflow.user"] ?? tags["mlflow.user"]),
      ...some("cost", metadata["mlflow.trace.cost"]),
      ...some("prompts", tags["mlflow.linkedPrompts"]),
      ...own(tags),
      ...own(metadata),
    ],
  };
}

const some = (key: string, value: string | undefined): Named[] => (value ? [{ key, text: value }] : []);
const own = (of: Readonly<Record<string, string>>): Named[] => Object.entries(of).flatMap(([key, text]) => (key.startsWith("mlflow.") ? [] : [{ key, text }]));

function decodeAssessment(w: WireAssessment, i: number): Assessment {
  const kind = w.issue ? "issue" : w.expectation ? "expectation" : "feedback";
  const raw = w.issue?.issue_name ?? w.expectation?.serialized_value?.value ?? w.expectation?.value ?? w.feedback?.value;
  const value = raw === undefined || raw === null ? "" : readable(raw);
  const error = w.feedback?.error ?? w.error;
  const word = value.toLowerCase();
  return {
    id: w.assessment_id ?? String(i),
    name: w.assessment_name ?? "",
    kind,
    value,
    good: kind !== "feedback" ? null : GOOD.has(word) ? true : BAD.has(word) ? false : null,
    error: error ? [error.error_code, error.error_message].filter((part) => part).join(": ") || "failed" : "",
    source: SOURCES[w.source?.source_type ?? ""] ?? (w.source?.source_type ?? "").toLowerCase(),
    by: w.source?.source_id ?? "",
    time: Date.parse(w.last_update_time ?? w.create_time ?? "") || 0,
    span: w.span_id || null,
    rationale: w.rationale ?? "",
    metadata: Object.entries(w.metadata ?? {}).flatMap(([key, text]) => (key.startsWith("mlflow.") ? [] : [{ key, text }])),
    valid: w.valid !== false,
  };
}

function usageOf(text: string | undefined): Usage | null {
  if (!text) return null;
  try {
    const wire = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const at = (key: string) => (typeof wire[key] === "number" ? wire[key] : null);
    const usage = { input: at("input_tokens"), output: at("output_tokens"), total: at("total_tokens") };
    return usage.input === null && usage.output === null && usage.total === null ? null : usage;
  } catch {
    return null;
  }
}

/** Of all tokens, if anyone counted them. */
export const tokensOf = (usage: Usage | null): number | null => (usage === null ? null : (usage.total ?? (usage.input ?? 0) + (usage.output ?? 0)));
