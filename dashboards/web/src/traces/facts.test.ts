import { expect, test } from "vitest";

import { decodeFacts, tokensOf } from "./facts";

test("judgements have a value or say why there is none, and what was taken back stands last", () => {
  const facts = decodeFacts({
    assessments: [
      { assessment_id: "a1", assessment_name: "safe", feedback: { value: "no" }, source: { source_type: "LLM_JUDGE", source_id: "judge-1" }, valid: false },
      { assessment_id: "a2", assessment_name: "safe", feedback: { value: true }, source: { source_type: "HUMAN", source_id: "ada" }, rationale: "read it", create_time: "2026-01-02T03:04:05Z" },
      { assessment_name: "score", feedback: { error: { error_code: "RATE", error_message: "too many" } } },
      { assessment_name: "answer", expectation: { serialized_value: { value: '{"a": [1]}' } }, span_id: "s1" },
      { assessment_name: "x", issue: { issue_name: "lost" } },
    ],
  });
  expect(facts.assessments.map((a) => [a.id, a.kind, a.value, a.good, a.error, a.source, a.by, a.span])).toEqual([
    ["a2", "feedback", "true", true, "", "human", "ada", null],
    ["2", "feedback", "", null, "RATE: too many", "", "", null],
    ["3", "expectation", '{\n  "a": [\n    1\n  ]\n}', null, "", "", "", "s1"],
    ["4", "issue", "lost", null, "", "", "", null],
    ["a1", "feedback", "no", false, "", "LLM judge", "judge-1", null],
  ]);
  expect(facts.assessments[0]?.time).toBe(Date.UTC(2026, 0, 2, 3, 4, 5));
});

test("tokens, session, user, and what people set", () => {
  const facts = decodeFacts({
    tags: { "mlflow.traceName": "ask", team: "<b>a</b>" },
    trace_metadata: { "mlflow.trace.tokenUsage": '{"input_tokens": 12, "output_tokens": 3, "total_tokens": 15}', "mlflow.trace.session": "s-1", "mlflow.trace.user": "ada", build: "7" },
  });
  expect(facts.usage).toEqual({ input: 12, output: 3, total: 15 });
  expect(facts.named).toEqual([
    { key: "session", text: "s-1" },
    { key: "user", text: "ada" },
    { key: "team", text: "<b>a</b>" },
    { key: "build", text: "7" },
  ]);
  expect([tokensOf(facts.usage), tokensOf({ input: 2, output: null, total: null }), tokensOf(null)]).toEqual([15, 2, null]);
  expect(["", "{", "[]", '{"input_tokens":"many"}'].map((text) => decodeFacts({ trace_metadata: { "mlflow.trace.tokenUsage": text } }).usage)).toEqual([null, null, null, null]);
});
