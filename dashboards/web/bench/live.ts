// A training that goes on: 50 metrics a step over MLflow's REST, five steps a second.

export const LIVE_KEYS = 50;
const KEYS_A_SECTION = 10;
const STEP_MS = 200;

export class LiveRun {
  steps = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;
  #sent: Promise<void> = Promise.resolve();

  private constructor(
    private readonly url: string,
    readonly experiment: string,
    private readonly run: string,
  ) {}

  static async start(url: string): Promise<LiveRun> {
    const { experiment_id } = await post<{ experiment_id: string }>(url, "experiments/create", { name: `live ${Date.now()}` });
    const { run } = await post<{ run: { info: { run_id: string } } }>(url, "runs/create", { experiment_id, run_name: "live", start_time: Date.now() });
    const live = new LiveRun(url, experiment_id, run.info.run_id);
    await live.step();
    live.next();
    return live;
  }

  get sections(): string[] {
    return Array.from({ length: LIVE_KEYS / KEYS_A_SECTION }, (_, n) => `part${n}`);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#sent.catch(() => {});
    await post(this.url, "runs/update", { run_id: this.run, status: "FINISHED", end_time: Date.now() });
  }

  private next(): void {
    this.#timer = setTimeout(() => {
      this.#sent = this.step().then(
        () => void (this.#stopped || this.next()),
        () => void (this.#stopped || this.next()),
      );
    }, STEP_MS);
  }

  private async step(): Promise<void> {
    const [step, timestamp] = [this.steps++, Date.now()];
    const metrics = Array.from({ length: LIVE_KEYS }, (_, k) => ({
      key: `part${Math.floor(k / KEYS_A_SECTION)}/loss_${String(k).padStart(2, "0")}`,
      ...{ step, timestamp, value: 1 / (1 + step / 100) + Math.random() / 10 },
    }));
    await post(this.url, "runs/log-batch", { run_id: this.run, metrics });
  }
}

async function post<T>(url: string, path: string, body: unknown): Promise<T> {
  const response = await fetch(`${url}/api/2.0/mlflow/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text.slice(0, 200)}`);
  return JSON.parse(text) as T;
}
