import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

// The dev server passes everything that is not the page itself on to a running `streamgauge up`.
const server = process.env["STREAMGAUGE_URL"] ?? "http://127.0.0.1:5000";

export default defineConfig({
  plugins: [svelte()],
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
