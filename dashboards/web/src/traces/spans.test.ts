import { expect, test } from "vitest";

import { barOf, decodeSpans, extentOf, readable, ticksOf, took, treeOf, unfolded, type Span } from "./spans";

const span = (id: string, parent: string | null, start: number, end: number | null = start + 10): Span => ({
  id,
  parent,
  name: id,
  type: "",
  start,
  end,
  state: "OK",
  message: "",
  inputs: null,
  outputs: null,
  attributes: [],
  events: [],
});
const drawn = (spans: readonly Span[]) => treeOf(spans).map((r) => `${">".repeat(r.depth)}${r.span.id}:${r.below}`);

test("spans stand below their parents, by start", () => {
  expect(drawn([span("c", "a", 5), span("b", "a", 2), span("d", "b", 3), span("a", null, 0)])).toEqual(["a:3", ">b:1", ">>d:0", ">c:0"]);
});

test("a span whose parent never came stands at the top, and circles end", () => {
  expect(drawn([span("a", null, 0), span("lost", "nowhere", 1)])).toEqual(["a:0", "lost:0"]);
  expect(drawn([span("x", "y", 2), span("y", "x", 1), span("z", "z", 3)])).toEqual(["y:1", ">x:0", "z:0"]);
  expect(drawn([span("a", null, 0), span("a", null, 1), span("b", "a", 2)])).toEqual(["a:1", ">b:0", "a:0"]);
  expect(drawn([])).toEqual([]);
});

test("a chain of 50,000 spans is no deeper than memory", () => {
  const rows = treeOf(Array.from({ length: 50_000 }, (_, i) => span(String(i), i === 0 ? null : String(i - 1), i)));
  expect(rows.at(-1)?.depth).toBe(49_999);
  expect(rows[0]?.below).toBe(49_999);
});

test("what is folded away is not seen, and its siblings are", () => {
  const rows = treeOf([span("a", null, 0), span("b", "a", 1), span("c", "b", 2), span("d", "a", 3)]);
  const names = (folded: string[]) => unfolded(rows, new Set(folded)).map((i) => rows[i]?.span.id);
  expect(names([])).toEqual(["a", "b", "c", "d"]);
  expect(names(["b"])).toEqual(["a", "b", "d"]);
  expect(names(["a", "b"])).toEqual(["a"]);
});

test("bars share one axis; one that goes on reaches to its end", () => {
  const spans = [span("a", null, 100, 200), span("b", "a", 150, 175), span("c", "a", 175, null)];
  const all = extentOf(spans);
  expect(spans.map((s) => barOf(s, all))).toEqual([
    { left: 0, width: 1 },
    { left: 0.5, width: 0.25 },
    { left: 0.75, width: 0.25 },
  ]);
  expect(barOf(span("d", null, 5, 5), extentOf([span("d", null, 5, 5)]))).toEqual({ left: 0, width: 1 });
  // A child's clock that runs behind gives no bar of less than nothing.
  expect(barOf(span("e", null, 190, 150), all)).toEqual({ left: 0.9, width: 0 });
});

test.each([
  [1000, 5, [0, 500, 1000]],
  [1000, 6, [0, 200, 400, 600, 800, 1000]],
  [2_087_000, 5, [0, 1e6, 2e6]],
  [0, 5, [0]],
])("the axis of %d ns has round ticks", (to, most, want) => expect(ticksOf({ from: 0, to }, most)).toEqual(want));

test.each([
  [0, "0"],
  [200, "200 ns"],
  [155_070, "155 µs"],
  [2_087_506, "2.09 ms"],
  [1.5e9, "1.5 s"],
  [75e9, "1 m 15 s"],
])("%d ns are %s", (ns, want) => expect(took(ns)).toBe(want));

test.each([
  ['"text"', "text"],
  ['{"a":[1]}', '{\n  "a": [\n    1\n  ]\n}'],
  ["no JSON {", "no JSON {"],
  ["0.2", "0.2"],
  ['{"id":12345678901234567890}', '{"id":12345678901234567890}'],
  [{ a: 1 }, '{\n  "a": 1\n}'],
])("%j reads as %j", (value, want) => expect(readable(value)).toBe(want));

test("spans of MLflow 3 are read", () => {
  const [read] = decodeSpans([
    {
      span_id: "s=",
      parent_span_id: "p=",
      name: "answer",
      start_time_unix_nano: 1000,
      end_time_unix_nano: 3000,
      status: { code: "STATUS_CODE_ERROR", message: "ValueError: no" },
      attributes: { "mlflow.spanType": '"LLM"', "mlflow.spanInputs": '{"q":1}', "mlflow.traceRequestId": '"tr-1"', model: '"small"' },
      events: [{ name: "exception", time_unix_nano: 2000, attributes: { "exception.message": '"quoted"' } }],
    },
  ]);
  expect(read).toEqual({
    id: "s=",
    parent: "p=",
    name: "answer",
    type: "LLM",
    start: 1000,
    end: 3000,
    state: "ERROR",
    message: "ValueError: no",
    inputs: '{\n  "q": 1\n}',
    outputs: null,
    attributes: [{ key: "model", text: "small" }],
    events: [{ name: "exception", time: 2000, attributes: [{ key: "exception.message", text: '"quoted"' }] }],
  });
});

test("spans of older clients are read, and empty ones are no failure", () => {
  const [old, empty] = decodeSpans([
    { context: { span_id: "0x1" }, parent_id: null, name: "old", start_time: 5, end_time: 9, status_code: "OK", attributes: { "mlflow.spanOutputs": "7" } },
    {},
  ]);
  expect(old).toMatchObject({ id: "0x1", parent: null, start: 5, end: 9, state: "OK", outputs: "7" });
  expect(empty).toMatchObject({ id: "span 1", end: null, state: "UNSET", inputs: null });
});

test("ids are hex, as assessments name them", () => {
  const ids = decodeSpans([{ span_id: "XBiaDjoYGTk=", parent_span_id: "bsienHipA10=" }, { span_id: "0x5c189a0e3a181939" }, { context: { span_id: "mine" } }, {}]);
  expect(ids.map((s) => [s.id, s.parent])).toEqual([["5c189a0e3a181939", "6ec89e9c78a9035d"], ["5c189a0e3a181939", null], ["mine", null], ["span 3", null]]);
});
