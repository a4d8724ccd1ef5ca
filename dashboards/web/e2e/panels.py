"""Logs what the panels beside charts show: a run, a fork of it, and a run of MLflow's client, in one experiment."""

import mlflow
import numpy as np
import streamgauge

STEPS = 40


def picture(step: int, tint: int) -> np.ndarray:
    y, x = np.mgrid[0:32, 0:32]
    return np.stack([(x * 8) % 256, (y * 8 + step * 6) % 256, np.full_like(x, tint)], axis=-1).astype(np.uint8)


def log(run: streamgauge.Run, first: int, last: int, tint: int) -> None:
    random = np.random.default_rng(tint)
    for step in range(first, last):
        values: dict = {"loss": 2 / (1 + step * (1 + tint / 100)), "val/accuracy": 1 - 1 / (2 + step)}
        if step % 10 == 0:
            values["val/sample"] = streamgauge.Image(picture(step, tint))
            values["val/words"] = f"at step {step} <b>bold</b>"
            values["weights"] = streamgauge.Histogram(random.normal(step / 20, 1 + step / 40, 500))
        run.log(values, step=step)
    run.log(
        {
            "val/sound": streamgauge.Audio([0.5, -0.5] * 400, sample_rate=8000),
            "val/errors": streamgauge.Table(columns=["name", "count"], data=[["<i>cat</i>", 3], ["dog", float("nan")]]),
            "val/page": streamgauge.Html("<h1>Report</h1><script>parent.document.title = 'owned'</script>"),
        },
        step=last - 1,
    )


quiet = {"source": False, "system": False, "console": False}
with streamgauge.init("panels", name="parent", config={"lr": "0.1"}, **quiet) as run:
    parent = run.id
    log(run, 0, STEPS, 20)
with streamgauge.fork(parent, 20, project="panels", name="child", config={"lr": "0.1"}, **quiet) as run:
    log(run, 21, STEPS, 220)

mlflow.set_experiment("panels")
with mlflow.start_run(run_name="plain"):
    mlflow.log_param("lr", "0.2")
    for step in range(STEPS):
        mlflow.log_metric("loss", 3 / (1 + step), step=step)
    for step in (0, 20):
        mlflow.log_image(picture(step, 120), key="val/sample", step=step, synchronous=True)
