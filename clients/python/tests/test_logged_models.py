"""The same logged models on our server and on MLflow's own: every search finds the same, in the same order, and what
is refused is refused in the same words."""

import base64
import json
import time
from types import SimpleNamespace
from typing import Any

import mlflow
import pytest
from conftest import unique
from differential import TALLY, Server, refusal
from mlflow.entities import LoggedModelStatus
from mlflow.tracking import MlflowClient

# name, type, params, tags, metrics (key, value, time, step, dataset, digest), status
MODELS: list[tuple[str, str, dict, dict, list, str]] = [
    ("alpha", "Agent", {"lr": "0.1", "a.b": "dot", "n": "1"}, {"team": "Red", "k": ""},
     [("acc", 0.5, 1, 0, "iris", "d1"), ("acc", 0.9, 2, 1, "iris", "d1"), ("acc", 0.7, 2, 0, "wine", "d2"), ("val acc", 1.0, 5, 0, "", "")], "LOGGED_MODEL_READY"),
    ("beta", "", {"lr": "0.01"}, {"team": "red"}, [("acc", "NaN", 3, 0, "iris", "d2"), ("loss", -1.5, 3, 0, "", "")], "LOGGED_MODEL_UPLOAD_FAILED"),
    ("Gamma", "agent", {}, {}, [], ""),
    ("x y", "it's", {"lr": "50%"}, {"team": "blue", "a b": "c"}, [("acc", 0.8, 9, 0, "", ""), ("loss", 3, 1, 7, "wine", "d2")], "LOGGED_MODEL_READY"),
    ("x y", "Agent", {"lr": "0.1", "n": "10"}, {"team": "Red"}, [("loss", 0.0, 1, 1, "iris", "d1"), ("acc", 0.8, 0, 0, "iris", "d1")], "LOGGED_MODEL_READY"),
]  # fmt: skip

FILTERS: list[str | tuple[str, str]] = [
    "", "name = 'alpha'", "name != 'alpha'", "name = alpha", "name LIKE 'al%'", "name ilike 'GAMMA'", "name IN ('alpha', 'beta')",
    "name NOT IN ('alpha')", "name > 'a'", "name IS NULL", "name = 'alpha' OR name = 'beta'", "name = 'a' AND", "(name = 'a')",
    "attributes.name = 'alpha'", "attribute.name = 'alpha'", "model_type = 'Agent'", "model_type = ''", "source_run_id = 'x'",
    "status = '2'", ("status = 'READY'", "status-by-name"), ("color = 'red'", "refused-not-broken"),
    "creation_timestamp > 0", ("attributes.creation_time > 0", "aliases-behind-attributes"), "last_updated_timestamp_ms < 1",
    "creation_time LIKE '5'", ("creation_timestamp > '5'", "refused-not-broken"),
    "metrics.acc > 0.6", "metrics.acc <= 0", "metrics.acc = 0.5", "metrics.acc != 0.8", "metrics.acc > 0.6 AND metrics.loss < 1",
    "metrics.`val acc` = 1", "metrics.acc > nan", "metrics.acc LIKE '1'", ("metrics.acc > one", "refused-not-broken"), "metrics.none > 0",
    "params.lr = '0.1'", "params.lr != '0.1'", "params.lr LIKE '50%'", "params.n IN (1, 10)", "params.a.b = 'dot'", "params.lr > '0'",
    "tags.team = 'Red'", "tags.team ILIKE 'r%'", "tags.k = ''", "tags.`a b` = 'c'", "tag.team = 'Red'", "   ", ";",
]  # fmt: skip

ORDERS: list[list[dict[str, Any]]] = [
    [{"field_name": "name"}], [{"field_name": "name", "ascending": False}], [{"field_name": "model_type"}], [{"field_name": "status"}],
    [{"field_name": "creation_time"}], [{"field_name": "last_updated_timestamp", "ascending": False}],
    [{"field_name": "metrics.acc"}], [{"field_name": "metrics.acc", "ascending": False}],
    [{"field_name": "metrics.acc", "dataset_name": "iris"}], [{"field_name": "metrics.acc", "dataset_name": "iris", "dataset_digest": "d1"}],
    [{"field_name": "metrics.loss", "ascending": False}, {"field_name": "name"}], [{"field_name": "metrics.none"}],
    [{"field_name": "params.lr"}], [{"field_name": "color"}],
]  # fmt: skip

DATASETS: list[tuple[str, list[dict[str, str]], str | None]] = [
    ("", [{"dataset_name": "iris", "dataset_digest": "d1"}], None),
    ("", [{"dataset_name": "iris", "dataset_digest": "d1"}, {"dataset_name": "wine", "dataset_digest": "d2"}], None),
    ("metrics.acc > 0.6", [{"dataset_name": "wine", "dataset_digest": "d2"}], None),
    ("metrics.loss > 1", [{"dataset_name": "iris", "dataset_digest": "d1"}], None),
    ("", [{"dataset_name": "iris"}], "dataset-without-digest"),
    ("", [{"dataset_digest": "d1"}], None),
]


def fill(server: Server) -> SimpleNamespace:
    """Writes the models; gives the experiment and the models' numbers by id."""
    experiment = server.must("POST", "experiments/create", {"name": unique("models")})["experiment_id"]
    run = server.must("POST", "runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]
    numbers = {}
    for n, (name, kind, params, tags, metrics, status) in enumerate(MODELS):
        body = {"experiment_id": experiment, "name": name, "model_type": kind}
        body |= {k: [{"key": a, "value": b} for a, b in v.items()] for k, v in (("params", params), ("tags", tags))}
        model = server.must("POST", "logged-models", body)["model"]["info"]["model_id"]
        numbers[model] = n
        for key, value, timestamp, step, dataset, digest in metrics:
            metric = {
                "run_id": run,
                "key": key,
                "value": value,
                "timestamp": timestamp,
                "step": step,
                "model_id": model,
            }
            server.must(
                "POST",
                "runs/log-metric",
                metric | ({"dataset_name": dataset, "dataset_digest": digest} if dataset else {}),
            )
        time.sleep(0.002)  # newest first is by the millisecond
        if status:
            server.must("PATCH", f"logged-models/{model}", {"model_id": model, "status": status})
    return SimpleNamespace(server=server, experiment=experiment, numbers=numbers, run=run)


@pytest.fixture(scope="module")
def both(url: str, reference: str) -> list[SimpleNamespace]:
    return [fill(Server(where)) for where in (url, reference)]


def found(where: SimpleNamespace, **body: Any) -> list[int] | tuple:
    status, answer = where.server.ask("POST", "logged-models/search", {"experiment_ids": [where.experiment], **body})
    if status != 200:
        return refusal(status, answer)
    return [where.numbers[m["info"]["model_id"]] for m in answer.get("models", [])]


def compare(both: list[SimpleNamespace], known: str | None = None, **body: Any) -> None:
    TALLY.check(str(body), found(both[0], **body), found(both[1], **body), known)


@pytest.mark.parametrize("case", FILTERS)
def test_filters(both: list[SimpleNamespace], case: str | tuple[str, str]) -> None:
    text, known = (case, None) if isinstance(case, str) else case
    compare(both, known, filter=text)


@pytest.mark.parametrize("order_by", ORDERS, ids=str)
def test_orders(both: list[SimpleNamespace], order_by: list[dict]) -> None:
    compare(both, order_by=order_by)


@pytest.mark.parametrize(("text", "datasets", "known"), DATASETS)
def test_datasets(both: list[SimpleNamespace], text: str, datasets: list[dict], known: str | None) -> None:
    compare(both, known, filter=text, datasets=datasets)


def test_pages_are_bound_to_their_search(both: list[SimpleNamespace]) -> None:
    search = {
        "filter": "name != 'q'",
        "order_by": [{"field_name": "metrics.acc", "ascending": False}],
        "max_results": 2,
    }
    for where in both:
        body: dict = {"experiment_ids": [where.experiment], **search}
        pages: list[list[int]] = []
        token = ""
        while not pages or token:
            answer = where.server.must("POST", "logged-models/search", body | {"page_token": token})
            pages.append([where.numbers[m["info"]["model_id"]] for m in answer["models"]])
            token = answer.get("next_page_token", "")
            where.tokens = [*getattr(where, "tokens", []), token]
        where.pages = pages
    TALLY.check("pages", both[0].pages, both[1].pages)
    others: list[dict[str, Any]] = [{"filter": "name != 'r'"}, {"order_by": []}, {"filter": ""}]
    for other in others:
        changed = [found(where, **(search | other | {"page_token": where.tokens[0]})) for where in both]
        TALLY.check(f"a token of another search: {other}", *changed)
    # MLflow's own form is read, too.
    ours = found(both[0], **search, page_token=token_for(both[0], both[1]))
    TALLY.check("MLflow's token", ours, both[1].pages[1])


def token_for(ours: SimpleNamespace, theirs: SimpleNamespace) -> str:
    """MLflow's token, with our experiment's id in it."""

    token = json.loads(base64.b64decode(theirs.tokens[0]))
    token["experiment_ids"] = [ours.experiment]
    return base64.b64encode(json.dumps(token).encode()).decode()


def test_models_are_whole(both: list[SimpleNamespace]) -> None:
    def whole(where: SimpleNamespace) -> list[dict]:
        body = {"experiment_ids": [where.experiment], "order_by": [{"field_name": "creation_time"}]}
        models = where.server.must("POST", "logged-models/search", body)["models"]
        for model in models:
            got = where.server.must("GET", f"logged-models/{model['info']['model_id']}")["model"]
            assert plain(got) == plain(model)
        return [plain(m) for m in models]

    ours, theirs = whole(both[0]), whole(both[1])
    for n, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        TALLY.check(f"model {n}", a, b, "nan-of-a-model" if MODELS[n][0] == "beta" else None)


def plain(model: dict) -> dict:
    """Without ids and times of the server; metrics in order."""
    info = {k: v for k, v in model["info"].items() if k in ("name", "model_type", "status", "status_message") and v}
    data = model.get("data", {})
    metrics = [
        {k: v for k, v in m.items() if k not in ("model_id", "run_id")} | {"value": float(m["value"])}
        for m in data.get("metrics", [])
    ]
    return {
        "info": info,
        "tags": sorted(map(str, model["info"].get("tags", []))),
        "params": sorted(map(str, data.get("params", []))),
        "metrics": sorted(map(str, metrics)),
    }


def test_a_client_reads_its_own_writes(client: MlflowClient, experiment: SimpleNamespace) -> None:
    run = client.create_run(experiment.id).info.run_id
    order_by = [{"field_name": "metrics.acc", "ascending": False}]
    for n in range(20):
        model = client.create_logged_model(experiment.id, name=f"m{n}", params={"n": str(n)})
        client.log_metric(run, "acc", n / 10, model_id=model.model_id)
        client.set_logged_model_tags(model.model_id, {"odd": str(n % 2)})
        client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
        got = mlflow.search_logged_models(
            experiment_ids=[experiment.id],
            filter_string=f"metrics.acc >= {n / 10}",
            order_by=order_by,
            output_format="list",
        )
        assert [m.name for m in got] == [f"m{n}"]
    odd = client.search_logged_models(
        [experiment.id], filter_string="tags.odd = '1' AND metrics.acc > 1", order_by=order_by
    )
    assert [m.name for m in odd] == ["m19", "m17", "m15", "m13", "m11"]
    client.delete_logged_model(odd[0].model_id)
    first = client.search_logged_models([experiment.id], max_results=1, order_by=order_by)
    assert [m.name for m in first] == ["m18"]
    second = client.search_logged_models([experiment.id], max_results=1, order_by=order_by, page_token=first.token)
    assert [m.name for m in second] == ["m17"]


def test_metrics_of_another_experiment_count(client: MlflowClient, experiment: SimpleNamespace) -> None:
    model = client.create_logged_model(experiment.id, name="trained here")
    elsewhere = client.create_experiment(unique("elsewhere"))
    run = client.create_run(elsewhere).info.run_id
    client.log_metric(run, "f1", 0.5, model_id=model.model_id)
    assert [m.value for m in client.get_logged_model(model.model_id).metrics] == [0.5]
    found = client.search_logged_models([experiment.id], filter_string="metrics.f1 > 0.4")
    assert [m.name for m in found] == ["trained here"]
