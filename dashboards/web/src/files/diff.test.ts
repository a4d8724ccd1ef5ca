import { expect, test } from "vitest";

import { diffLines } from "./diff";

test("heads, places, added and removed lines are told apart", () => {
  const diff = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n--- b\n+c\n d\ndiff --git a/y b/y\n--- a/y\n";
  expect(diffLines(diff).map((l) => l.kind)).toEqual(["file", "file", "file", "place", "removed", "removed", "added", "same", "file", "file"]);
});
