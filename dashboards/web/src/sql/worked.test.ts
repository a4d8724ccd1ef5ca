import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { starters } from "./ask";
import { workedIn } from "./worked";

const PAGE = `# SQL
\`\`\`sql
SELECT 'not one of them'
\`\`\`

### 1. What is there

It has \`code\` and
[a link](other.md).

\`\`\`sql
SELECT name FROM sg.runs WHERE status = 'FAILED' AND user != ''
\`\`\`

\`\`\`csv
"name"
"a"
\`\`\`

### 2. Nothing

Words alone.

### 3. One's own

\`\`\`sql
SELECT 1 FROM sg.metrics WHERE key = 'val_loss' AND name IN ('vision-2', 'val_loss') AND kind = 'run'
\`\`\`
`;

test("queries are read with what they are for, and names are told from the views' words", () => {
  expect(workedIn(PAGE)).toEqual([
    { title: "What is there", text: "It has code and a link.", query: "SELECT name FROM sg.runs WHERE status = 'FAILED' AND user != ''", names: [] },
    { title: "One's own", text: "", query: "SELECT 1 FROM sg.metrics WHERE key = 'val_loss' AND name IN ('vision-2', 'val_loss') AND kind = 'run'", names: ["val_loss", "vision-2"] },
  ]);
});

test("the page is built with all worked queries of the documentation, and some ask for no name", async () => {
  const page = readFileSync(new URL("../../../../docs/sql.md", import.meta.url), "utf8");
  const built = await starters();
  expect(built).toEqual(workedIn(page));
  expect(built.length).toBe([...page.matchAll(/^### \d+\. /gm)].length);
  expect(built.filter((s) => s.names.length === 0).length).toBeGreaterThan(8);
});
