import { expect, test } from "vitest";

import type { SqlView } from "./ask";
import { columnsFor } from "./columns";

const view = (name: string, ...columns: string[]): SqlView => ({ name, comment: "", columns: columns.map((c) => ({ name: c, type: "String", comment: `${c} of ${name}` })) });
const views = [view("sg.runs", "run_id", "name", "status", "started"), view("sg.models", "name", "Native", "run_id"), view("sg.lineage", "from_id", "name", "step")];

const names = (statement: string, word: string) => columnsFor(views, statement, word).map((c) => c.name);

test("without a view in the statement the columns of all are offered, those that most have first", () => {
  expect(names("SELECT na", "na")).toEqual(["name", "Native"]);
  expect(names("SELECT NA", "NA")).toEqual(["name", "Native"]);
  expect(columnsFor(views, "SELECT na", "na")[0]).toMatchObject({ comment: "name of sg.runs", views: ["sg.runs", "sg.models", "sg.lineage"] });
});

test("views that the statement names are the only ones, however they are written", () => {
  expect(names("SELECT na FROM SG.Runs", "na")).toEqual(["name"]);
  expect(names("SELECT na FROM sg.models AS m", "na")).toEqual(["name", "Native"]);
});

test("a part of a name is found behind its beginning, and what is in the middle of a part is not", () => {
  expect(names("SELECT id", "id")).toEqual(["run_id", "from_id"]);
  expect(names("SELECT ta", "ta")).toEqual([]);
});

test("clauses and words of the language are not taken for columns that begin like them", () => {
  expect(names("SELECT name fro", "fro")).toEqual([]);
  expect(names("SELECT x FROM sg.lineage ORDER BY fro", "fro")).toEqual(["from_id"]);
  expect(names("SELECT x FROM sg.lineage ORDER BY from", "from")).toEqual([]);
  expect(names("SELECT step", "step")).toEqual(["step"]);
});
