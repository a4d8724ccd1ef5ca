// Twelve runs with charts in several sections, one of them still going on; a run with many names; and a door to the server
// that can be shut.

import { createServer, connect, type AddressInfo, type Server as Listener, type Socket } from "node:net";

export interface Compared {
  readonly experiment: string;
  /** An experiment whose run has more names of metrics than a page. */
  readonly wide: string;
  /** Oldest first; the last goes on. */
  readonly runs: readonly string[];
  readonly steps: number;
  readonly spike: { readonly step: number; readonly value: number };
  log(run: string, key: string, step: number, value: number): Promise<void>;
  /** Begins another run. */
  start(name: string): Promise<string>;
  /** Logs so many steps of live/0, live/1 and so on. */
  logMany(run: string, keys: number, from: number, steps: number): Promise<void>;
}

const STEPS = 3000;
const NAMES = 2500;
const SPIKE = { step: 1850, value: 42 };

export async function seedCompare(url: string): Promise<Compared> {
  const post = async <T>(path: string, body: unknown): Promise<T> => {
    const response = await fetch(`${url}/api/2.0/mlflow/${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  };
  const log = async (run: string, key: string, step: number, value: number) => {
    await post("runs/log-metric", { run_id: run, key, step, value, timestamp: Date.now() });
  };
  const create = async (experiment: string, name: string, start: number) => {
    const { run } = await post<{ run: { info: { run_id: string } } }>("runs/create", { experiment_id: experiment, run_name: name, start_time: start });
    return run.info.run_id;
  };
  const all = async (run: string, metrics: readonly object[]) => {
    for (let i = 0; i < metrics.length; i += 1000) await post("runs/log-batch", { run_id: run, metrics: metrics.slice(i, i + 1000) });
  };
  const { experiment_id: experiment } = await post<{ experiment_id: string }>("experiments/create", { name: "vision/ablation" });
  const runs: string[] = [];
  for (let i = 0; i < 12; i++) {
    const start = Date.now() - (13 - i) * 600_000;
    const id = await create(experiment, `run-${String(i).padStart(2, "0")}`, start);
    const params = { optimizer: i % 2 ? "adam" : "sgd", seed: String(i), layers: "24", lr: String(0.1 / (1 + (i % 3))) };
    await post("runs/log-batch", { run_id: id, params: Object.entries(params).map(([key, value]) => ({ key, value })) });
    await all(id, curves(i, start));
    if (i < 11) await post("runs/update", { run_id: id, status: i === 4 ? "FAILED" : "FINISHED", end_time: start + STEPS * 100 });
    runs.push(id);
  }
  const { experiment_id: wide } = await post<{ experiment_id: string }>("experiments/create", { name: "wide" });
  const run = await create(wide, "many-names", Date.now());
  await all(run, Array.from({ length: NAMES }, (_, n) => ({ key: `layers/${Math.floor(n / 50)}/grad_${n}`, step: 0, value: n, timestamp: Date.now() })));
  const start = (name: string) => create(experiment, name, Date.now());
  const logMany = (run: string, keys: number, from: number, steps: number) =>
    all(run, Array.from({ length: keys * steps }, (_, n) => ({ key: `live/${n % keys}`, step: from + Math.floor(n / keys), value: Math.sin(n), timestamp: Date.now() })));
  return { experiment, wide, runs, steps: STEPS, spike: SPIKE, log, start, logMany };
}

function curves(i: number, start: number): object[] {
  const noise = (s: number) => Math.sin(s * 12.9898 + i * 78.233) * 43758.5453 % 1;
  const falling = (s: number) => 0.15 + i * 0.02 + 2.2 * Math.exp((-s * (i + 3)) / 9000) + 0.06 * noise(s);
  const line = (key: string, every: number, value: (s: number) => number | string) =>
    Array.from({ length: STEPS / every }, (_, n) => ({ key, step: n * every, value: value(n * every), timestamp: start + n * every * 100 }));
  return [
    ...line("loss", 1, (s) => (i === 5 && s === SPIKE.step ? SPIKE.value : falling(s))),
    ...line("train/loss", 10, (s) => falling(s) * 1.1),
    ...line("train/accuracy", 10, (s) => 1 - falling(s) / 3),
    ...line("train/lr", 10, (s) => 1e-3 * Math.min(1, (s + 1) / 300) * 0.5 ** (s / 1000)),
    ...line("train/grad_norm", 10, (s) => (i === 3 && s > 2000 ? "NaN" : i === 4 && s > 2500 ? "Infinity" : 10 ** (1 - s / 1500) * (1.2 + noise(s)))),
    ...line("val/loss", 50, (s) => falling(s) * 1.25),
    ...line("val/accuracy", 50, (s) => 0.97 - falling(s) / 2.8),
    ...line("system/gpu_percent", 50, (s) => 85 + 10 * noise(s)),
  ];
}

/** Hands bytes on to the server, and can break off. */
export class Door {
  readonly url: string;
  /** Streams of live points that were opened through it. */
  streams = 0;
  #shut = false;
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly listener: Listener,
    port: number,
  ) {
    this.url = `http://127.0.0.1:${port}`;
  }

  static async open(url: string): Promise<Door> {
    const to = Number(new URL(url).port);
    let door: Door | null = null;
    const listener = createServer((socket) => door?.pass(socket, to));
    await new Promise<void>((done) => listener.listen(0, "127.0.0.1", done));
    door = new Door(listener, (listener.address() as AddressInfo).port);
    return door;
  }

  private pass(socket: Socket, to: number): void {
    if (this.#shut) return void socket.destroy();
    const onward = connect(to, "127.0.0.1");
    socket.on("data", (bytes) => {
      if (bytes.toString("latin1").startsWith("GET /v1/live ")) this.streams++;
    });
    for (const [one, other] of [[socket, onward], [onward, socket]] as const) {
      this.#sockets.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }

  /** Breaks all connections, and takes no new ones until it is unlocked. */
  shut(): void {
    this.#shut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  unlock(): void {
    this.#shut = false;
  }

  async close(): Promise<void> {
    this.shut();
    await new Promise((done) => this.listener.close(done));
  }
}
