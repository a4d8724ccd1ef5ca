import { expect, test } from "vitest";

import type { Stage, Transition, Version } from "../registered";
import { bandsOf } from "./bands";

const version = (stage: Stage): Version => ({
  model: "m", number: 2, stage, created: 100, user: "", description: "", source: "", run: null, logged: null, aliases: [], tags: new Map(),
});
const change = (time: number, from: Stage, to: Stage, number = 2): Transition => ({ version: number, from, to, time, by: "", comment: "" });

test("a version that was never moved has one band", () => {
  expect(bandsOf(version("None"), [change(120, "None", "Staging", 1)], 200)).toEqual([{ stage: "None", from: 100, to: 200 }]);
});

test("bands follow the changes, whatever their order, without gaps", () => {
  const changes = [change(160, "Staging", "Production"), change(130, "None", "Staging")];
  expect(bandsOf(version("Production"), changes, 200)).toEqual([
    { stage: "None", from: 100, to: 130 },
    { stage: "Staging", from: 130, to: 160 },
    { stage: "Production", from: 160, to: 200 },
  ]);
});

test("a clock that went back makes no band of negative length", () => {
  const bands = bandsOf(version("Archived"), [change(150, "None", "Staging"), change(90, "Staging", "None")], 120);
  for (const band of bands) expect(band.to).toBeGreaterThanOrEqual(band.from);
});
