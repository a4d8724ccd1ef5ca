// What the pages are looked at with: experiments of 0, 1, 12 and 1,000 runs, logged over MLflow's REST.

const MINUTE = 60_000;
const CONNECTIONS = 8;
const STEPS = 2000;
/** A single bad step, which no chart may hide. */
export const SPIKE = { step: 1234, value: 42 };
export const MANY = 1000;

export interface Seeded {
  readonly empty: string;
  readonly one: string;
  readonly twelve: string;
  readonly thousand: string;
  /** Run ids of the experiment of twelve, oldest first. */
  readonly runs: readonly string[];
}

export async function seed(url: string): Promise<Seeded> {
  const api = client(url);
  const [empty, one, twelve, thousand] = [
    await api.experiment("empty"),
    await api.experiment("one run"),
    await api.experiment("llm/7b-base with a name that is far too long for the side of the page"),
    await api.experiment("sweep of 1000"),
  ];
  await trainOne(api, one);
  const runs: string[] = [];
  for (let i = 0; i < 12; i++) runs.push(await train(api, twelve, i));
  await sweep(api, thousand);
  return { empty, one, twelve, thousand, runs };
}

/** A run with all that MLflow ties to one: a note, a dataset, a model and a nested run; in an experiment older than an empty one. */
export async function seedFamily(url: string): Promise<{ readonly experiment: string; readonly parent: string }> {
  const api = client(url);
  const experiment = await api.experiment("family");
  await api.experiment("made later, and empty");
  const now = Date.now();
  const parent = await api.run(experiment, "parent", now);
  const child = await api.run(experiment, "child", now + 1);
  await api.post("runs/set-tag", { run_id: child.id, key: "mlflow.parentRunId", value: parent.id });
  await api.post("runs/set-tag", { run_id: parent.id, key: "mlflow.note.content", value: "first line\nsecond line" });
  const dataset = { name: "grapes", digest: "abc123", source_type: "local", source: "{}" };
  const tags = [{ key: "mlflow.data.context", value: "training" }];
  await api.post("runs/log-inputs", { run_id: parent.id, datasets: [{ tags, dataset }] });
  const made = { experiment_id: experiment, name: "forest", source_run_id: parent.id };
  const { model } = await api.post<{ model: { info: { model_id: string; artifact_uri: string } } }>("logged-models", made);
  await api.artifact(model.info.artifact_uri, "MLmodel", "flavors: {}\n");
  await api.post("runs/outputs", { run_id: parent.id, models: [{ model_id: model.info.model_id, step: 0 }] });
  const values = ["val_loss", "val_accuracy", "score"].map((key) => ({ key, value: 0.5, timestamp: now, step: 1 }));
  const params = ["opt", "layers", "lr"].map((key) => ({ key, value: "x" }));
  await api.post("runs/log-batch", { run_id: parent.id, metrics: [...values, { key: "odd", value: "NaN", timestamp: now, step: 1 }], params });
  return { experiment, parent: parent.id };
}

type Api = ReturnType<typeof client>;

function client(url: string) {
  const post = async <T>(path: string, body: unknown): Promise<T> => {
    const response = await fetch(`${url}/api/2.0/mlflow/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  };
  return {
    post,
    async experiment(name: string): Promise<string> {
      return (await post<{ experiment_id: string }>("experiments/create", { name })).experiment_id;
    },
    async run(experiment: string, name: string, start: number): Promise<{ id: string; root: string }> {
      const body = { experiment_id: experiment, run_name: name, start_time: start, user_id: "ada" };
      const { info } = (await post<{ run: { info: { run_id: string; artifact_uri: string } } }>("runs/create", body)).run;
      return { id: info.run_id, root: info.artifact_uri };
    },
    async artifact(root: string, name: string, body: string): Promise<void> {
      const path = root.replace("mlflow-artifacts:/", "").replace(/^\/+/, "");
      const response = await fetch(`${url}/api/2.0/mlflow-artifacts/artifacts/${path}/${name}`, { method: "PUT", body });
      if (!response.ok) throw new Error(`upload of ${name}: ${response.status} ${await response.text()}`);
    },
  };
}

async function trainOne(api: Api, experiment: string): Promise<void> {
  const { id } = await api.run(experiment, "lonely-heron-1", Date.now() - 2 * MINUTE);
  await api.post("runs/log-batch", {
    run_id: id,
    params: [{ key: "learning_rate", value: "0.1" }],
    metrics: series("loss", 3, Date.now(), (s) => 1 / (s + 1)),
  });
}

const NAMES = ["bold-otter", "calm-heron", "dry-lynx", "eager-mole", "fair-newt", "glad-puffin"];
const LONG = "a-run-whose-name-says-everything-about-its-hyper-parameters-lr-0.001-bs-256";
const ENDS = ["FINISHED", "FINISHED", "FINISHED", "FAILED", "KILLED", "RUNNING"];

async function train(api: Api, experiment: string, i: number): Promise<string> {
  const now = Date.now();
  const start = now - (12 - i) * 47 * MINUTE;
  const { id, root } = await api.run(experiment, i === 7 ? LONG : `${NAMES[i % 6]}-${i}`, start);
  const rate = [0.01, 0.1, 0.001][i % 3] as number;
  await api.post("runs/log-batch", {
    run_id: id,
    params: [
      { key: "learning_rate", value: String(rate) },
      { key: "optimizer", value: i % 2 ? "adam" : "sgd with nesterov momentum" },
      { key: "batch size", value: String(32 << (i % 4)) },
      { key: "model/layers", value: "24" },
      { key: "seed", value: String(i) },
    ],
    tags: [{ key: "team", value: "vision" }],
  });
  const noise = random(i + 1);
  const curve = (s: number) => 0.2 + i * 0.03 + (2 + i * 0.1) * Math.exp((-s * (i + 2)) / 2500) + 0.04 * noise();
  const loss = series("loss", STEPS, start, (s) => (i === 5 && s === SPIKE.step ? SPIKE.value : curve(s)));
  const accuracy = series("val/accuracy", STEPS / 20, start, (s) => 1 - curve(s * 20) / 4);
  const norm = series("grad_norm", STEPS / 10, start, (s) => (i === 3 && s > 150 ? NaN : 10 ** (2 - s / 40) * (1 + noise() / 3)));
  const all = [...loss, ...accuracy, ...norm, { key: "system/cpu_percent", value: 73.25, timestamp: start, step: 0 }];
  for (let from = 0; from < all.length; from += 1000) {
    await api.post("runs/log-batch", { run_id: id, metrics: all.slice(from, from + 1000) });
  }
  if (i === 11) {
    await api.artifact(root, "notes.txt", "held at 0.2\n");
    await api.artifact(root, "model/weights.bin", "x".repeat(5000));
  }
  const status = ENDS[i % 6] as string;
  if (status !== "RUNNING") await api.post("runs/update", { run_id: id, status, end_time: start + (i + 1) * 13 * MINUTE });
  return id;
}

async function sweep(api: Api, experiment: string): Promise<void> {
  const start = Date.now() - 3 * 24 * 60 * MINUTE;
  const noise = random(7);
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < MANY; i = next++) {
      const at = start + i * MINUTE;
      const { id } = await api.run(experiment, `trial-${String(i).padStart(4, "0")}`, at);
      const params = { lr: (10 ** (-1 - 3 * noise())).toPrecision(6), depth: String(2 + (i % 7)), dropout: (noise() / 2).toFixed(3) };
      await api.post("runs/log-batch", {
        run_id: id,
        params: Object.entries(params).map(([key, value]) => ({ key, value })),
        metrics: [
          { key: "loss", value: noise() * 3, timestamp: at, step: 100 },
          { key: "accuracy", value: noise(), timestamp: at, step: 100 },
          { key: "parameters", value: Math.floor(noise() * 1e9), timestamp: at, step: 0 },
        ],
      });
      await api.post("runs/update", { run_id: id, status: "FINISHED", end_time: at + 40_000 + i * 10 });
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
}

function series(key: string, steps: number, start: number, value: (step: number) => number) {
  return Array.from({ length: steps }, (_, step) => {
    const v = value(step);
    return { key, value: Number.isNaN(v) ? "NaN" : v, timestamp: start + step * 100, step };
  });
}

/** Numbers in [0, 1) that are the same in every run of the tests (mulberry32). */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
