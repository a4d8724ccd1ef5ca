// A run's traces and their spans, as MLflow's API of traces answers them.

import { AJAX, ApiError, get, post, TRACES, tracesIn, type Page, type Run } from "../api";
import { readBeginning } from "../files/read";
import { bytes } from "../format";
import { decodeFacts, type TraceFacts, type WireFacts } from "./facts";
import { decodeSpans, type Span, type WireSpan } from "./spans";

export interface Trace {
  readonly id: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Nanoseconds; null while it goes on. */
  readonly took: number | null;
  /** As OK, ERROR or IN_PROGRESS. */
  readonly state: string;
  readonly request: string;
  readonly response: string;
  readonly facts: TraceFacts;
}

/** What a browser reads and draws well; a trace of more is for a notebook. */
const SPAN_BYTES_MAX = 32 << 20;

interface WireTrace extends WireFacts {
  readonly trace_id: string;
  readonly request_time?: string;
  /** As 0.002s. */
  readonly execution_duration?: string;
  readonly state?: string;
  readonly request_preview?: string;
  readonly response_preview?: string;
}

const decode = (t: WireTrace): Trace => ({
  id: t.trace_id,
  name: t.tags?.["mlflow.traceName"] ?? "",
  time: Date.parse(t.request_time ?? "") || 0,
  took: t.execution_duration === undefined ? null : Number.parseFloat(t.execution_duration) * 1e9,
  state: t.state ?? "STATE_UNSPECIFIED",
  request: t.request_preview ?? "",
  response: t.response_preview ?? "",
  facts: decodeFacts(t),
});

/** Traces that were made in a run, the newest first. */
export async function tracesOf(run: Pick<Run, "id" | "experiment">, max: number, token: string | null, signal?: AbortSignal): Promise<Page<Trace>> {
  const body = {
    ...tracesIn(run.id, run.experiment),
    max_results: max,
    ...(token === null ? {} : { page_token: token }),
  };
  const answer = await post<{ traces?: WireTrace[]; next_page_token?: string }>(`${TRACES}/search`, body, signal);
  return { items: (answer.traces ?? []).map(decode), next: answer.next_page_token || null };
}

export async function getTrace(id: string, signal?: AbortSignal): Promise<Trace> {
  const { trace } = await get<{ trace: { trace_info: WireTrace } }>(`${TRACES}/${encodeURIComponent(id)}`, signal);
  return decode(trace.trace_info);
}

/** The spans of a trace that are there, in no order. */
export async function spansOf(id: string, signal: AbortSignal): Promise<readonly Span[]> {
  const { text, cut } = await readBeginning(`${AJAX}/get-trace-artifact?${new URLSearchParams({ request_id: id })}`, SPAN_BYTES_MAX, signal);
  if (cut || text.length > SPAN_BYTES_MAX) {
    throw new ApiError(0, "TOO_LARGE", `The spans are larger than ${bytes(SPAN_BYTES_MAX)}, the most that is shown. mlflow.get_trace("${id}") reads them.`);
  }
  try {
    return decodeSpans((JSON.parse(text) as { spans?: readonly WireSpan[] }).spans ?? []);
  } catch {
    throw new ApiError(0, "NO_JSON", "The spans that are stored are no JSON.");
  }
}
