import { expect, test } from "vitest";

import { FIRST_VIEW, modelView, runView } from "./address";
import { backFrom, remedyOf } from "./trouble";

const remedy = (status: number, message = "") => remedyOf({ status, message }, "http://here");

test("a token that may not is told so, with the role that is wanted", () => {
  expect(remedy(403, "The token 'bob' has the role read; this needs write. Make one with `streamgauge token create --role write`")).toContain("a token with the role write");
  expect(remedy(403, "The token 'bob' is confined to experiments, and /v1/alerts reaches all of them; use a token made without --experiment")).toContain("reaches further");
  expect(remedy(403)).not.toContain("deleted");
  expect(remedy(401)).toContain("wants a token");
});

test("what is gone, what does not answer and what broke have remedies of their own", () => {
  expect(remedy(404)).toContain("was deleted");
  expect(remedy(0)).toContain("http://here");
  expect(remedy(503)).toContain("log");
});

test("the way back leads to the list that the page is from", () => {
  const runs = { ...FIRST_VIEW, experiment: "7", filter: "metrics.loss < 1" };
  expect(backFrom(runView("f".repeat(32)), runs)).toEqual({ href: "#/runs?exp=7&filter=metrics.loss%20%3C%201", name: "Back to the runs" });
  expect(backFrom(modelView("nothere"), runs)).toEqual({ href: "#/models", name: "Back to the models" });
  // The runs themselves cannot be what helps where they could not be read.
  expect(backFrom(runs, runs).href).toBe("#/runs");
});
