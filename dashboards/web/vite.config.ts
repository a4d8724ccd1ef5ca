import { readFileSync } from "node:fs";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

import { workedIn } from "./src/sql/worked.ts";

// The dev server passes everything that is not the page itself on to a running `streamgauge up`.
const server = process.env["STREAMGAUGE_URL"] ?? "http://127.0.0.1:5000";

/** The worked queries of the documentation as a module: the page and the documentation cannot differ. */
const worked = {
  name: "worked-queries",
  resolveId: (id: string) => (id === "virtual:worked" ? id : null),
  load: (id: string) => (id === "virtual:worked" ? `export default ${JSON.stringify(workedIn(readFileSync(new URL("../../docs/sql.md", import.meta.url), "utf8")))}` : null),
};

export default defineConfig({
  plugins: [svelte(), worked],
  base: "./",
  build: {
    target: "es2022",
    // Fonts stay files: the content policy of the server allows no data: fonts.
    assetsInlineLimit: 0,
    // ECharts is a chunk of its own, loaded by the first page that draws with it.
    chunkSizeWarningLimit: 600,
  },
  server: {
    proxy: Object.fromEntries(
      ["/api", "/ajax-api", "/get-artifact", "/v1", "/version", "/health"].map((path) => [path, server]),
    ),
  },
  test: { include: ["src/**/*.test.ts"] },
});
