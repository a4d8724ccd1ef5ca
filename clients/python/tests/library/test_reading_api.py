"""streamgauge.Api reads back what was logged, as plain values, pandas and Arrow."""

from __future__ import annotations

import math
import sys
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient
from streamgauge.api import Api, ApiError, RunRecord

VALUES = {"loss": [1.0, 0.5, math.nan, math.inf, 0.25], "acc": [0.1, 0.2]}


@pytest.fixture
def api(url: str) -> Api:
    return Api(url)


@pytest.fixture
def experiment(client: MlflowClient) -> SimpleNamespace:
    name = f"api-{uuid.uuid4().hex}"
    return SimpleNamespace(name=name, id=client.create_experiment(name))


@pytest.fixture
def logged(client: MlflowClient, experiment: SimpleNamespace) -> SimpleNamespace:
    """Two runs, `a` with VALUES and `b` with one point of loss."""
    runs = []
    for name in ("a", "b"):
        run = client.create_run(experiment.id, start_time=1_000, run_name=name)
        values = VALUES if name == "a" else {"loss": [7.0]}
        metrics = [Metric(k, v, 2_000 + 10 * i, i) for k, vs in values.items() for i, v in enumerate(vs)]
        client.log_batch(run.info.run_id, metrics, [Param("lr", "0.1")], [RunTag("stage", name)])
        runs.append(run.info.run_id)
    client.set_terminated(runs[0], end_time=9_000)
    return SimpleNamespace(a=runs[0], b=runs[1], project=experiment.name, experiment=experiment.id)


def same(ours: Any, theirs: Any) -> bool:
    """Equality that holds NaN for itself."""
    return list(map(repr, ours)) == list(map(repr, theirs))


# Runs.


def test_a_run_has_everything_as_plain_values(api: Api, logged: SimpleNamespace) -> None:
    run = api.run(logged.a)
    assert (run.id, run.name, run.experiment_id, run.status) == (logged.a, "a", logged.experiment, "FINISHED")
    assert (run.start_time, run.end_time) == (1_000, 9_000)
    assert run.params == run.config == {"lr": "0.1"}
    assert run.metrics == run.summary == {"loss": 0.25, "acc": 0.2}
    assert run.tags["stage"] == "a"
    assert run.to_dict()["metrics"] == {"loss": 0.25, "acc": 0.2}
    assert "api" not in run.to_dict()
    assert run.url.endswith(logged.a)


def test_runs_are_found_by_project_filter_and_order(api: Api, logged: SimpleNamespace) -> None:
    def names(**options: Any) -> list[str]:
        return [run.name for run in api.runs(logged.project, **options)]

    assert sorted(names()) == ["a", "b"]
    assert names(order_by=["metrics.loss DESC"]) == ["b", "a"]
    assert names(order_by=["metrics.loss"], limit=1) == ["a"]
    assert names(filter="tags.stage = 'b'") == ["b"]
    assert names(view="deleted") == names(limit=0) == []
    assert {logged.a, logged.b} <= {run.id for run in api.runs()}


def test_searches_go_over_pages(
    api: Api, client: MlflowClient, experiment: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamgauge import api as module

    made = {client.create_run(experiment.id).info.run_id for _ in range(7)}
    monkeypatch.setattr(module, "PAGE", 3)
    assert {run.id for run in api.runs(experiment.name)} == made
    assert len(api.runs(experiment.name, limit=5)) == 5
    assert experiment.name in {project["name"] for project in api.projects()}


def test_refusals_have_their_code_and_words(api: Api, logged: SimpleNamespace) -> None:
    with pytest.raises(ApiError, match=r"RESOURCE_DOES_NOT_EXIST: .*nowhere") as refused:
        api.runs("nowhere")
    assert (refused.value.status, refused.value.code) == (404, "RESOURCE_DOES_NOT_EXIST")
    with pytest.raises(ApiError) as refused:
        api.runs(logged.project, filter="loss ~ 1")
    assert refused.value.status == 400
    with pytest.raises(ValueError, match="view is one of active, deleted, all"):
        api.runs(view="old")


def test_no_server_is_told() -> None:
    with pytest.raises(ApiError, match=r"NO_ANSWER: http://127.0.0.1:1 does not answer") as refused:
        Api("http://127.0.0.1:1").run("x")
    assert refused.value.status == 0


def test_a_record_made_by_hand_reads_nothing() -> None:
    with pytest.raises(ValueError, match="not read through an Api"):
        RunRecord("x", "", "0", "RUNNING", "", None, None, "").series("loss")


# Series.


def test_series_are_lists_of_floats(api: Api, logged: SimpleNamespace) -> None:
    loss, acc = api.series(logged.a, ["loss", "acc"], buckets="raw")
    assert (loss["run_id"], loss["key"], loss["rank"], loss["raw"]) == (logged.a, "loss", 0, True)
    assert same(loss["value"], VALUES["loss"])
    assert loss["step"] == [0, 1, 2, 3, 4]
    assert loss["time"] == [2_000, 2_010, 2_020, 2_030, 2_040]
    assert acc["value"] == VALUES["acc"]


def test_series_of_a_range_and_of_columns(api: Api, logged: SimpleNamespace) -> None:
    (line,) = api.series(logged.a, "loss", start=1, end=3, columns=["step"])
    assert line["step"] == [1, 2, 3]
    assert "value" not in line
    with pytest.raises(TypeError, match=r"unknown options \['bins'\]"):
        api.series(logged.a, "loss", bins=3)


def test_buckets_hide_no_nan_and_no_infinity(api: Api, logged: SimpleNamespace) -> None:
    (line,) = api.series([logged.a], ["loss"], buckets=1)
    assert (line["raw"], line["count"], line["nan"], line["pos_inf"]) == (False, [5], [1], [1])
    assert (line["min"], line["max"], line["first"], line["last"]) == ([0.25], [1.0], [1.0], [0.25])


def test_more_runs_and_keys_than_a_request_takes(
    api: Api, logged: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamgauge import api as module

    monkeypatch.setattr(module, "KEYS_MAX", 1)
    monkeypatch.setattr(module, "LINES_MAX", 1)
    lines = api.series([logged.a, logged.b], ["loss", "acc"])
    assert sorted((line["run_id"], line["key"]) for line in lines) == sorted(
        [(logged.a, "acc"), (logged.a, "loss"), (logged.b, "loss")]
    )


def test_history_has_a_row_a_step(api: Api, logged: SimpleNamespace) -> None:
    rows = api.run(logged.a).history()
    assert [row["_step"] for row in rows] == [0, 1, 2, 3, 4]
    assert rows[1] == {"_step": 1, "acc": 0.2, "loss": 0.5}
    assert rows[4] == {"_step": 4, "loss": 0.25}


def test_arrow_has_a_row_a_point(api: Api, logged: SimpleNamespace) -> None:
    table = api.series_arrow([logged.a, logged.b], ["loss"], buckets="raw").to_pydict()
    assert table["run_id"] == [logged.a] * 5 + [logged.b]
    assert same(table["first"], [*VALUES["loss"], 7.0])
    assert table["step"] == [0, 1, 2, 3, 4, 0]


@pytest.mark.parametrize("buckets", ["raw", 2])
def test_pandas_is_the_same_with_and_without_arrow(
    api: Api, logged: SimpleNamespace, buckets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pandas

    with_arrow = api.series_pandas([logged.a, logged.b], ["loss", "acc"], buckets=buckets)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    without = api.series_pandas([logged.a, logged.b], ["loss", "acc"], buckets=buckets)
    assert list(without.columns) == list(with_arrow.columns)
    pandas.testing.assert_frame_equal(without, with_arrow, check_dtype=False)


def test_names_of_metrics_with_their_latest_value(api: Api, logged: SimpleNamespace) -> None:
    assert [(m["key"], m["value"], m["step"]) for m in api.metric_names(logged.a)] == [
        ("acc", 0.2, 1),
        ("loss", 0.25, 4),
    ]
    assert [m["key"] for m in api.metric_names(logged.a, prefix="lo")] == ["loss"]


def test_ranks_of_a_metric(api: Api, logged: SimpleNamespace) -> None:
    assert [rank["last_step"] for rank in api.ranks(logged.a, "loss")["ranks"]] == [4]
