"""Logs a run as a training does, from a folder with git: nested config, uncommitted changes, lines, artifacts.

Also a progress bar, traces and a fork. runpage.test.ts starts it, in a folder of its own, and reads the ids it prints.
"""

import contextlib
import json
import os
import struct
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

os.environ["MLFLOW_TRACKING_URI"] = os.environ["STREAMGAUGE_URL"]
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow
import numpy as np
import pandas as pd
import streamgauge
from PIL import Image

CODE = "import math\n\nRATE = 0.1\n\n\ndef loss(step):\n    return math.exp(-step)\n"
NOTE = """# Why this run

The first with **warm-up**; see [the plan](https://example.com/plan) and <script>document.title = "taken"</script>.

| what | before |
|:-----|-------:|
| loss | 0.4 |

![far](https://example.com/x.png) ![worse](javascript:alert(1)) [bad](javascript:alert(2))

- [x] tried
- `lr = 3e-4`
"""
CONFIG = {
    "optimizer": {"name": "adamw", "lr": 3e-4, "betas": [0.9, 0.95], "schedule": {"kind": "cosine", "warmup": 1000}},
    "model": {"layers": 24, "width": 2048, "dropout": 0.1},
    "seed": 7,
    "sampler": '{"kind": "mixed", "weights": {"web": 0.7, "<b>books</b>": 0.3}}',
    "long": "y" * 6000,
    "data/path": "corpus/v3",
    "data/batch": 512,
}
PAGE = """<!doctype html><title>report</title><h1>A report</h1><p id=out>no script</p><script>
document.getElementById("out").textContent = "script ran";
const say = (name, text) => parent.postMessage({ [name]: text }, "*");
fetch("/ajax-api/2.0/mlflow/runs/delete", { method: "POST", mode: "no-cors", body: '{"run_id": "RUN"}' })
  .then(() => say("post", "sent"), () => say("post", "refused"));
fetch("/v1/status").then(() => say("read", "sent"), () => say("read", "refused"));
try { say("parent", parent.document.title); } catch { say("parent", "refused"); }
try { say("cookie", document.cookie); } catch { say("cookie", "refused"); }
</script>"""


def git(*words: str) -> None:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    subprocess.run(["git", *words], check=True, capture_output=True, env={**os.environ, **who})


def files(folder: Path, run_id: str) -> None:
    """One file of each kind that the page shows."""
    (folder / "plots").mkdir()
    (folder / "deep" / "er" / "est").mkdir(parents=True)
    hue = np.tile(np.linspace(0, 255, 320, dtype=np.uint8), (200, 1))
    Image.fromarray(np.stack([hue, hue.T.repeat(2, 0)[:200, :1].repeat(320, 1), 255 - hue], -1)).save(
        folder / "plots/a <b> picture.png"
    )
    (folder / "plots/x.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90">'
        '<script>alert(1)</script><circle cx="45" cy="45" r="40" fill="teal"/></svg>'
    )
    table = pd.DataFrame(
        {"step": range(2500), "loss": np.linspace(2, 0, 2500), "name": [f"row {i}" for i in range(2500)]}
    )
    table["big"] = 2**60 + table["step"]
    table.to_parquet(folder / "table.parquet")
    table.to_parquet(folder / "table.zstd.parquet", compression="zstd")
    table.head(1200).to_csv(folder / "table.csv", index=False)
    (folder / "quoted.csv").write_text('name;said\n"Ada; of L.";"two\nlines, ""quoted"""\n')
    (folder / "config.json").write_text(
        json.dumps({**CONFIG, "long": list(range(300)), "html": "<b>bold</b>"}, indent=1)
    )
    (folder / "train.py").write_text(CODE)
    (folder / "notes.md").write_text(NOTE)
    (folder / "log.txt").write_text("".join(f"line {i} of a long log\n" for i in range(120_000)))
    (folder / "report.html").write_text(PAGE.replace("RUN", run_id))
    (folder / "weights.bin").write_bytes(bytes(range(256)) * 40)
    (folder / "deep/er/est/down.txt").write_text("deep\n")
    with wave.open(str(folder / "tone.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(b"".join(struct.pack("<h", int(9000 * np.sin(i / 4))) for i in range(8000)))
    with wave.open(str(folder / "empty.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))


def traces(experiment_id: str) -> None:
    from mlflow.entities import SpanType

    @mlflow.trace(span_type=SpanType.RETRIEVER)
    def find(question: str) -> list[str]:
        return [f"a document on {question}", "<b>another</b>"]

    @mlflow.trace(span_type=SpanType.LLM, attributes={"model": "small", "temperature": 0.2})
    def answer(question: str, documents: list[str]) -> dict[str, object]:
        if question == "fail":
            raise ValueError("no answer to this")
        return {"text": f"all about {question}", "tokens": 12}

    @mlflow.trace(name="ask", span_type=SpanType.CHAIN)
    def ask(question: str) -> object:
        return answer(question, find(question))

    @mlflow.trace(name="small")
    def small(i: int) -> int:
        return i

    # More than a page.
    for i in range(50):
        small(i)
    with mlflow.start_span(name="<img src=x onerror=alert(1)>\"'" + "long " * 2000) as root:
        root.set_inputs({"html": "<b>" + "x" * 20_000})
        for i in range(150):
            with mlflow.start_span(name=f"step {i}"), mlflow.start_span(name="inner"):
                pass
    for question in ("rivers", "gauges", "fail"):
        with contextlib.suppress(ValueError):
            ask(question)


def main() -> None:
    os.chdir(tempfile.mkdtemp(dir=os.environ["HOME"]))
    Path("train.py").write_text(CODE)
    git("init", "-q", "-b", "warm-up")
    git("remote", "add", "origin", "https://example.com/lab/trainer.git")
    git("add", ".")
    git("commit", "-qm", "first")
    Path("train.py").write_text(CODE.replace("0.1", "0.2").replace("exp(-step)", "exp(-step / 2)"))
    sys.argv[0] = sys.modules["__main__"].__file__ = str(Path("train.py").resolve())

    run = streamgauge.init("run page", name="whole-run", config=CONFIG, console=True, system=True, notes=NOTE)
    for step in range(200):
        run.log({"loss": 2.0 / (step + 1), "layers/0/norm": step * 0.1, "layers/1/norm": step * 0.2}, step=step)
    print("\033[1;32mready\033[0m to train <b>hard</b>")
    for done in range(0, 101, 5):
        print(f"\repoch 1: {done:3d}%|{'#' * (done // 10):10}|", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print("\033[31mloss is high\033[0m", file=sys.stderr)
    run_id = run.id
    run.finish()

    child = streamgauge.fork(
        run_id, 100, project="run page", name="forked-run", source=False, system=False, config={"lr": 1}
    )
    child.log({"loss": 0.5}, step=101)
    child.finish()

    client = mlflow.MlflowClient()
    experiment_id = client.get_run(run_id).info.experiment_id
    mlflow.set_experiment(experiment_id=experiment_id)
    with mlflow.start_run(run_id=run_id):
        folder = Path(tempfile.mkdtemp(dir="."))
        files(folder, run_id)
        mlflow.log_artifacts(str(folder))
        data = mlflow.data.from_pandas(
            pd.DataFrame({"text": ["a", "b"], "label": [0, 1]}), source="corpus/v3.parquet", name="corpus"
        )
        mlflow.log_input(data, context="training")
        traces(experiment_id)
        with mlflow.start_run(nested=True, run_name="evaluation") as nested:
            mlflow.log_metric("accuracy", 0.9)
        model = mlflow.create_external_model(name="forest", source_run_id=run_id)
        client.create_registered_model("woods")
        client.create_model_version("woods", source=f"{mlflow.get_artifact_uri()}/deep", run_id=run_id)
    print(
        "\nids "
        + json.dumps(
            {
                "run": run_id,
                "fork": child.id,
                "nested": nested.info.run_id,
                "model": model.model_id,
                "experiment": experiment_id,
            }
        )
    )


main()
