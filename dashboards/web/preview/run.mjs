// Starts main.ts, which Node 20 does not read by itself.
import { resolve } from "node:path";

import { runnerImport } from "vite";

const { module } = await runnerImport(resolve(import.meta.dirname, "main.ts"), { configFile: false, logLevel: "error" });
process.exit(await module.main(process.argv.slice(2)));
