import { expect, test } from "vitest";

import type { SeriesAsk } from "./api";
import { Reader } from "./reader";
import { decodeLine, type Series } from "./series";

const ask = (keys: string[], more: Partial<SeriesAsk> = {}): SeriesAsk => ({ runs: ["a"], keys, axis: "step", range: null, buckets: 100, ...more });

const series = (key: string): Series =>
  decodeLine({ run_id: "a", key, start_time: 0, bucket_width: 0, points_total: 0, parts: [], as_of: {}, step: [], time: [], value: [] });

/** A server that answers when it is told to. */
function stage() {
  const asked: { ask: SeriesAsk; signal: AbortSignal | undefined; done: (s: readonly Series[]) => void; fail: (e: unknown) => void }[] = [];
  const reader = new Reader((a, signal) => new Promise((done, fail) => asked.push({ ask: a, signal, done, fail })));
  return { asked, reader, keys: () => asked.map((a) => a.ask.keys) };
}

const never = new AbortController().signal;
const turn = () => new Promise((done) => setTimeout(done));

test("charts of one moment share a request, and each gets its own", async () => {
  const { asked, reader } = stage();
  const answers = Promise.all([reader.ask(ask(["x"]), never), reader.ask(ask(["y", "z"]), never)]);
  await turn();
  expect(asked.map((a) => a.ask)).toEqual([ask(["x", "y", "z"])]);
  asked[0]?.done([series("x"), series("z")]);
  expect((await answers).map((some) => some.map((s) => s.key))).toEqual([["x"], ["z"]]);
});

test("what is read over another range or other runs is another request", async () => {
  const { keys, reader } = stage();
  void reader.ask(ask(["x"]), never);
  void reader.ask(ask(["y"], { range: { from: 0, to: 1 } }), never);
  await turn();
  expect(keys()).toEqual([["x"], ["y"]]);
});

test("many charts are several requests, few at once", async () => {
  const { asked, keys, reader } = stage();
  for (let i = 0; i < 26; i++) void reader.ask(ask([`k${i}`]), new AbortController().signal);
  await turn();
  expect(keys().map((k) => k.length)).toEqual([12, 12]);
  asked[0]?.done([]);
  await turn();
  expect(keys().map((k) => k.length)).toEqual([12, 12, 2]);
});

test("a request ends when nobody wants it any more, and what waits is left out", async () => {
  const { asked, keys, reader } = stage();
  const [one, two, late] = [new AbortController(), new AbortController(), new AbortController()];
  const ends = [reader.ask(ask(["x"]), one.signal), reader.ask(ask(["y"]), two.signal)].map((p) => p.catch(() => "ended"));
  void reader.ask(ask(["b"], { buckets: 1 }), never);
  const waits = reader.ask(ask(["c"], { buckets: 2 }), late.signal).catch(() => "left out");
  await turn();
  one.abort();
  expect(asked[0]?.signal?.aborted).toBe(false);
  two.abort();
  late.abort();
  expect(asked[0]?.signal?.aborted).toBe(true);
  asked[0]?.fail(new Error("aborted"));
  expect(await Promise.all([...ends, waits])).toEqual(["ended", "ended", "left out"]);
  expect(keys()).toEqual([["x", "y"], ["b"]]);
});

test("a refusal is told to all that shared the request", async () => {
  const { asked, reader } = stage();
  const answers = [reader.ask(ask(["x"]), never), reader.ask(ask(["y"]), never)].map((p) => p.catch((e: unknown) => e));
  await turn();
  asked[0]?.fail("no");
  expect(await Promise.all(answers)).toEqual(["no", "no"]);
});
