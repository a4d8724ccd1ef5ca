import { expect, test } from "vitest";

import { byActivity } from "./activity";
import type { Experiment } from "./api";

const experiment = (id: string, updated: number): Experiment => ({ id, name: id, created: 0, updated });
const all = [experiment("c", 30), experiment("b", 20), experiment("a", 10)];
const order = (newest: Parameters<typeof byActivity>[1]) => byActivity(all, newest).map((e) => `${e.id}${e.updated}`).join(" ");

test.each([
  ["without runs they stay as they came", null, "c30 b20 a10"],
  ["the one of the newest run comes first", { experiment: "a", start: 40 }, "a40 c30 b20"],
  ["a run with a time long ago moves nothing", { experiment: "a", start: 5 }, "c30 b20 a10"],
  ["a run of an experiment that is not listed moves nothing", { experiment: "x", start: 99 }, "c30 b20 a10"],
])("%s", (_name, newest, want) => expect(order(newest)).toBe(want));
