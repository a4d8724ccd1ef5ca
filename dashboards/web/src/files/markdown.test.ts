import { expect, test } from "vitest";

import { toHTML } from "./markdown";

test("markdown is shown, and what it brings along is not run or loaded", () => {
  const html = toHTML('# A\n\n**b** <script>alert(1)</script> <img src=x onerror=alert(1)>\n\n[bad](javascript:alert(1)) ![far](https://example.com/x.png)');
  expect(html).toContain("<h1>A</h1>");
  expect(html).toContain("<strong>b</strong>");
  expect(html).not.toMatch(/<script|<img|href="javascript/);
});

test("links open elsewhere and tell nothing", () => {
  expect(toHTML("[a](https://example.com/?a=\"b)")).toContain('rel="noopener noreferrer" target="_blank"');
});

test("tables stand without inline styles", () => {
  const html = toHTML("| a | b |\n|--:|---|\n| 1 | 2 |");
  expect(html).toContain('<td class="right">1</td>');
  expect(html).not.toContain("style=");
});
