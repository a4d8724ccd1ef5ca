// A real `streamgauge up` on a folder and ports of its own.

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const HEALTHY_MS = 60_000;
const END_MS = 15_000;

const binary = process.env["STREAMGAUGE_BIN"] ?? resolve(import.meta.dirname, "../../../bin/streamgauge");

/** Why the tests cannot run here, or null. A server that already runs can be named by STREAMGAUGE_URL. */
export function missing(): string | null {
  if (process.env["STREAMGAUGE_URL"]) return null;
  return existsSync(binary) ? null : `${binary} is missing: make build engine`;
}

export interface Server {
  readonly url: string;
  /** A folder that goes with the server. */
  readonly data: string;
  /** Milliseconds since the epoch. */
  readonly started: number;
  stop(): Promise<void>;
}

export async function startServer(...flags: readonly string[]): Promise<Server> {
  const running = process.env["STREAMGAUGE_URL"];
  const data = mkdtempSync(join(tmpdir(), "streamgauge-web-"));
  const started = Date.now();
  if (running) return { url: running.replace(/\/$/, ""), data, started, stop: async () => rmSync(data, { recursive: true, force: true }) };
  const [http, nats, native, clickhouse] = await freePorts(4);
  const child = spawn(
    binary,
    [
      "up",
      ...["--data", data],
      ...["--listen", `127.0.0.1:${http}`],
      ...["--nats-listen", `127.0.0.1:${nats}`],
      ...["--clickhouse-listen", `127.0.0.1:${native}`],
      ...["--clickhouse-http-listen", `127.0.0.1:${clickhouse}`],
      ...flags,
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (b: Buffer) => (said = (said + b.toString()).slice(-8000)));
  const url = `http://127.0.0.1:${http}`;
  const stop = async () => {
    await end(child);
    rmSync(data, { recursive: true, force: true });
  };
  try {
    await healthy(url, child);
  } catch (error) {
    await stop();
    throw new Error(`${String(error)}; the server said:\n${said}`);
  }
  return { url, data, started, stop };
}

async function healthy(url: string, child: ChildProcess): Promise<void> {
  const until = Date.now() + HEALTHY_MS;
  while (Date.now() < until) {
    if (child.exitCode !== null) throw new Error(`streamgauge up ended with status ${child.exitCode}`);
    const response = await fetch(`${url}/health`).catch(() => null);
    if (response?.ok) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`streamgauge up was not healthy after ${HEALTHY_MS} ms`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), END_MS);
  await ended;
  clearTimeout(timer);
}

/** Ports that are free together. */
async function freePorts(n: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: n }, () => {
      const server = createServer();
      return new Promise<ReturnType<typeof createServer>>((done) => server.listen(0, "127.0.0.1", () => done(server)));
    }),
  );
  const ports = servers.map((s) => {
    const at = s.address();
    if (at === null || typeof at === "string") throw new Error("no port");
    return at.port;
  });
  await Promise.all(servers.map((s) => new Promise((done) => s.close(done))));
  return ports;
}
