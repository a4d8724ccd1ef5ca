import { expect, test } from "vitest";

import type { Run } from "./api";
import { runsCSV } from "./runcsv";

test("values are exact, and what would break a line is quoted", () => {
  const run = {
    id: "ab", name: 'a "b", c', status: "FINISHED", user: "ada", start: Date.UTC(2026, 0, 2), end: null,
    params: new Map([["opt", "two\nlines"], ["shift", "-1.50"], ["odd", "=1+1"]]), metrics: new Map([["loss", { value: 0.1 + 0.2, step: 1, time: 0 }]]),
  } as unknown as Run;
  const last = (key: string) => ({ kind: "metrics", key, show: "last", line: false }) as const;
  expect(runsCSV([run], [{ kind: "params", key: "opt" }, { kind: "params", key: "shift" }, { kind: "params", key: "odd" }, last("loss"), last("none")])).toBe(
    `run_id,name,status,user,start,end,params.opt,params.shift,params.odd,metrics.loss,metrics.none\r\nab,"a ""b"", c",FINISHED,ada,2026-01-02T00:00:00.000Z,,"two\nlines",-1.50,'=1+1,0.30000000000000004,\r\n`,
  );
});
