"""Logs a run as a training does that fills the tabs of a run's page: charts, machine, lines, JSON, judged traces.

runtabs.test.ts starts it and reads the ids it prints. Bars are written as tqdm writes them.
"""

import json
import math
import os
import sys
import tempfile
from pathlib import Path

os.environ["MLFLOW_TRACKING_URI"] = os.environ["STREAMGAUGE_URL"]
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow
import streamgauge
from mlflow.entities import AssessmentError, AssessmentSource, SpanType

METRICS = {
    "loss": float("nan"),
    "best": float("inf"),
    "id": 2**63 + 1,
    "label": "1",
    "html": "<b>bold</b>",
    "nested": {"a": {"deep": {"er": {"text": "a needle"}}}},
    "rows": [{"i": i, "v": i / 7} for i in range(2000)],
}


def metrics(run: streamgauge.Run) -> None:
    for step in range(100):
        values = {"loss": 2 / (step + 1), "val/loss": 2.1 / (step + 1), "val/accuracy": 1 - 1 / (step + 1)}
        values |= {f"layers/{i}/norm": abs(math.sin(step / 20 + i)) for i in range(12)}
        for gpu in range(2):
            values[f"system/gpu_{gpu}_utilization_percentage"] = 60 + 10 * math.sin(step / 5 + gpu)
            values[f"system/gpu_{gpu}_memory_usage_megabytes"] = 20_000 + step
        values |= {"system/cpu_utilization_percentage": 50.0, "system/network_receive_megabytes": float(step)}
        values |= {"system/system_memory_usage_percentage": 30.0, "system/disk_usage_percentage": 40.0}
        run.log(values, step=step)


def lines() -> None:
    print("\033[1;32mready\033[0m to train <b>hard</b>, \033[38;5;208morange\033[0m \033[41mred\033[0m")
    print("日本語 عربي 🦀 \u202e and back")
    print("\033[31mloss is NaN\033[0m", file=sys.stderr)
    # Two bars below each other: the inner one moves the cursor, so each of its states is a line.
    for epoch in range(3):
        print(f"\repochs:  {epoch * 33}%|{'█' * epoch}", end="", file=sys.stderr)
        for done in range(0, 101, 10):
            print(f"\n\rbatches: {done:3d}%|{'█' * (done // 10):10}| {done}/100\033[A", end="", file=sys.stderr)
    print("\r\nepochs: 100%|███", file=sys.stderr)
    print("long " + "x" * 20_000)
    for step in range(1500):
        print(f"step {step} loss {2 / (step + 1):.4f}")


def artifacts() -> None:
    folder = Path(tempfile.mkdtemp(dir=os.environ["HOME"]))
    (folder / "metrics.json").write_text(json.dumps(METRICS))
    (folder / "huge.json").write_text(json.dumps(["x" * 100] * 60_000))
    (folder / "broken.json").write_text('{"a": 1,')
    mlflow.log_artifacts(str(folder))


@mlflow.trace(span_type=SpanType.LLM)
def answer(question: str) -> str:
    usage = {"input_tokens": 1200, "output_tokens": 34, "total_tokens": 1234}
    mlflow.get_current_active_span().set_attribute("mlflow.chat.tokenUsage", usage)
    return f"an answer to {question}"


@mlflow.trace(name="ask", span_type=SpanType.CHAIN)
def ask(question: str) -> str:
    mlflow.update_current_trace(
        tags={"team": "<i>rivers</i>"}, metadata={"mlflow.trace.session": "session-1", "mlflow.trace.user": "ada"}
    )
    return answer(question)


def judged() -> str:
    ask("one")
    ask("two")
    mlflow.flush_trace_async_logging()
    trace = mlflow.get_last_active_trace_id()
    human = AssessmentSource(source_type="HUMAN", source_id="ada@example.com")
    judge = AssessmentSource(source_type="LLM_JUDGE", source_id="small")
    first = mlflow.log_feedback(trace_id=trace, name="correct", value=True, source=human, rationale="<b>Read</b> it")
    mlflow.log_feedback(trace_id=trace, name="relevance", value=0.82, source=judge, rationale="long " * 60)
    mlflow.log_feedback(trace_id=trace, name="safe", value="no", source=judge, metadata={"cost": "0.01"})
    mlflow.log_feedback(trace_id=trace, name="toxic", error=AssessmentError("RATE_LIMIT", "too many"), source=judge)
    mlflow.log_expectation(trace_id=trace, name="expected", value={"text": "an answer"}, source=human)
    span = mlflow.get_trace(trace).data.spans[-1].span_id
    mlflow.log_feedback(trace_id=trace, name="fluent", value="yes", source=human, span_id=span)
    mlflow.override_feedback(
        trace_id=trace, assessment_id=first.assessment_id, value=False, rationale="Looked again", source=human
    )
    return trace


def main() -> None:
    run = streamgauge.init("tabs", name="tabs-run", config={"lr": 0.1}, console=True, system=False, source=False)
    metrics(run)
    lines()
    run_id = run.id
    run.finish()
    mlflow.set_experiment(experiment_id=mlflow.get_run(run_id).info.experiment_id)
    with mlflow.start_run(run_id=run_id):
        artifacts()
        trace = judged()
    print("\nids " + json.dumps({"run": run_id, "trace": trace}))


main()
