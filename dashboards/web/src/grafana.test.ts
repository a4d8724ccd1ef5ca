import { expect, test } from "vitest";

import type { Run } from "./api";
import { compareDashboard, modelDashboard, runDashboard } from "./grafana";

const run = (id: string, experiment: string, start: number, end: number | null) => ({ id, experiment, start, end }) as Run;

test("a run's dashboard has its experiment, the run and the time that it took", () => {
  expect(runDashboard("http://g", run("ab", "3", 100_000, 200_000))).toBe("http://g/d/sg-run?var-experiment=3&var-run=ab&from=40000&to=260000");
  expect(runDashboard("http://g/sub", run("ab", "3", 100_000, null))).toContain("http://g/sub/d/sg-run?var-experiment=3&var-run=ab&from=40000&to=now");
});

test("a comparison has every run, and every experiment once", () => {
  expect(compareDashboard("http://g", [run("a", "1", 100_000, 200_000), run("b", "2", 90_000, 150_000), run("c", "1", 95_000, 95_000)])).toBe(
    "http://g/d/sg-compare?var-experiment=1&var-experiment=2&var-run=a&var-run=b&var-run=c&from=30000&to=260000",
  );
});

test("a model's name is written as the dashboard has its values", () => {
  expect(modelDashboard("http://g", "a & b\\c")).toBe(`http://g/d/sg-models?var-model=${new URLSearchParams([["", "a & b\\\\c"]]).toString().slice(1)}`);
});
