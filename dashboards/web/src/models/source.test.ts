import { expect, test } from "vitest";

import { mlmodelOf } from "./source";

const run = "ab12";

test("a logged model has its own files, and counts first", () => {
  expect(mlmodelOf({ logged: "m-1", run, source: `runs:/${run}/model` })).toEqual({ owner: { kind: "model", id: "m-1" }, path: "MLmodel" });
});

test.each([
  [`runs:/${run}/model`, "model/MLmodel"],
  [`mlflow-artifacts:/1/${run}/artifacts/a/b/`, "a/b/MLmodel"],
  [`s3://bucket/1/${run}/artifacts/model`, "model/MLmodel"],
  [`runs:/${run}/`, "MLmodel"],
])("%s has it in the run's artifacts", (source, path) => {
  expect(mlmodelOf({ logged: null, run, source })).toEqual({ owner: { kind: "run", id: run }, path });
});

test("what lies elsewhere is not guessed", () => {
  expect(mlmodelOf({ logged: null, run, source: "s3://bucket/model" })).toBeNull();
  expect(mlmodelOf({ logged: null, run: null, source: `runs:/${run}/model` })).toBeNull();
});
