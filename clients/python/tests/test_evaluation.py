"""Evaluation datasets and scorers: MLflow's client against both servers, and odd requests."""

import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import mlflow
import pytest
from conftest import unique
from differential import TALLY, Server, refusal
from mlflow.entities import DatasetRecordSource
from mlflow.genai.datasets import create_dataset, get_dataset, search_datasets
from mlflow.tracking import MlflowClient

DATASETS, SCORERS = "/api/3.0/mlflow/datasets", "/api/3.0/mlflow/scorers"


@pytest.fixture(params=["ours", "MLflow"])
def server(request: pytest.FixtureRequest, url: str) -> Server:
    """The client's server: what the tests of the client demand holds for both."""
    where = url if request.param == "ours" else request.getfixturevalue("reference")
    mlflow.set_tracking_uri(where)
    return Server(where)


def test_a_dataset_from_beginning_to_end(server: Server) -> None:
    experiment = MlflowClient(server.url).create_experiment(unique("evaluation"))
    name = unique("dataset")
    made = create_dataset(name=name, experiment_id=experiment, tags={"team": "a"})
    assert made.experiment_ids == [experiment]
    made.merge_records(
        [
            {"inputs": {"question": "What?", "n": 1}, "expectations": {"answer": "That."}, "tags": {"k": "v"}},
            {"inputs": {"n": 2, "question": "Why?"}, "outputs": {"text": "So."}},
            {"inputs": {"question": "Who?"}, "source": {"source_type": "HUMAN", "source_data": {"source_id": "ann"}}},
        ]
    )
    made.merge_records(
        [{"inputs": {"n": 1, "question": "What?"}, "expectations": {"facts": ["x"]}, "outputs": "plain"}]
    )
    client = MlflowClient(server.url)
    found = client.get_dataset(made.dataset_id)
    records = {r.inputs["question"]: r for r in found.records}
    assert len(found.records) == 3
    assert records["What?"].expectations == {"answer": "That.", "facts": ["x"]}
    assert records["What?"].outputs == "plain"
    assert records["What?"].tags["k"] == "v"
    assert records["Why?"].outputs == {"text": "So."}
    assert isinstance(records["Who?"].source, DatasetRecordSource)
    assert (records["Who?"].source_type, records["Who?"].source_id) == ("HUMAN", "ann")
    assert json.loads(found.profile or "") == {"num_records": 3}
    assert found.to_df().shape[0] == 3
    assert found.delete_records([records["Who?"].dataset_record_id]) == 1
    assert get_dataset(dataset_id=made.dataset_id).to_df().shape[0] == 2

    client.set_dataset_tags(made.dataset_id, {"team": "b", "stage": "x"})
    client.delete_dataset_tag(made.dataset_id, "stage")
    assert client.get_dataset(made.dataset_id).tags["team"] == "b"
    assert [d.dataset_id for d in search_datasets(filter_string=f"name = '{name}' AND tags.team = 'b'")] == [
        made.dataset_id
    ]
    assert [d.name for d in search_datasets(experiment_ids=[experiment])] == [name]
    client.delete_dataset(made.dataset_id)
    assert not list(search_datasets(experiment_ids=[experiment]))


def test_a_scorer_from_beginning_to_end(server: Server) -> None:
    from mlflow.genai.scorers import Guidelines, delete_scorer, get_scorer, list_scorers

    experiment = mlflow.set_experiment(unique("scorers")).experiment_id
    for words in ("Be kind.", "Be brief."):
        Guidelines(name="manners", guidelines=words).register(experiment_id=experiment)
    assert get_scorer(name="manners", experiment_id=experiment).guidelines == "Be brief."
    assert get_scorer(name="manners", experiment_id=experiment, version=1).guidelines == "Be kind."
    assert [s.name for s in list_scorers(experiment_id=experiment)] == ["manners"]
    delete_scorer(name="manners", experiment_id=experiment, version="all")
    assert list_scorers(experiment_id=experiment) == []


def plain(answer: Any, ids: dict[str, str], key: str = "") -> Any:
    """An answer with names in place of ids and times; texts of JSON are read."""
    if key.endswith("_time") or key == "digest":
        return bool(answer)
    if key in ("scorer_id", "dataset_record_id"):
        return "ID"
    if key in ("tags", "schema", "profile", "records") and isinstance(answer, str):
        answer = json.loads(answer)
    if isinstance(answer, dict):
        return {name: plain(value, ids, name) for name, value in answer.items()}
    if isinstance(answer, list):
        return sorted((plain(v, ids, key) for v in answer), key=lambda v: json.dumps(v, sort_keys=True))
    if key.startswith("experiment_id"):
        return ids.get(str(answer), answer)
    if isinstance(answer, str):
        answer = re.sub("d-[0-9a-f]{32}", "DATASET", answer)
        for value, name in ids.items():  # ids of experiments are small numbers
            answer = answer.replace(value, name) if len(value) > 8 else re.sub(rf"experiment {value}\b", name, answer)
    return answer


def tell(server: Server) -> list[tuple[str, Any]]:
    """The same requests to each server, with what it answered."""
    told: list[tuple[str, Any]] = []
    experiment = server.must("POST", "experiments/create", {"name": unique("evaluation")})["experiment_id"]
    gone = server.must("POST", "experiments/create", {"name": unique("gone")})["experiment_id"]
    server.must("POST", "experiments/delete", {"experiment_id": gone})
    ids = {experiment: "EXPERIMENT", gone: "GONE"}

    def ask(method: str, path: str, body: Any = None, query: Any = None) -> Any:
        status, answer = server.ask(method, path, body, query)
        kept = refusal(status, answer) if status >= 400 else (status, answer)
        told.append((f"{method} {plain(path, ids)} {plain(body or query, ids)}", [plain(part, ids) for part in kept]))
        return answer

    datasets(ask, ids, experiment, unique("set"))
    scorers(ask, experiment, gone)
    return told


def datasets(ask: Callable[..., Any], ids: dict[str, str], experiment: str, name: str) -> None:
    ids[name] = "NAME"
    body = {"name": name, "experiment_ids": [experiment], "tags": json.dumps({"mlflow.user": "ann", "a": "b"})}
    dataset = ask("POST", f"{DATASETS}/create", body)["dataset"]["dataset_id"]
    at = f"{DATASETS}/{dataset}"
    ask("GET", at)
    ask("GET", f"{at}/records")
    ask("GET", f"{at}/experiment-ids")
    records: list[Any] = [
        {
            "inputs": {"q": "a", "deep": {"x": [1, 2.5, None, True]}},
            "outputs": {"t": 1},
            "tags": {"mlflow.user": "bob"},
        },
        {"inputs": {"deep": {"x": [1, 2.5, None, True]}, "q": "a"}, "expectations": {"e": 1.5}},
        {"inputs": {"q": "b"}, "outputs": None, "expectations": {"e": "z", "f": None}},
        {"inputs": {"q": "c"}, "outputs": [1], "source": {"source_type": "TRACE", "source_data": {"trace_id": "tr-1"}}},
        {"inputs": {}},
    ]
    for sent in (records, records[1:3], [{"inputs": {"q": "b"}, "outputs": {"t": "x"}, "tags": {"k": "v"}}]):
        ask("POST", f"{at}/records", {"records": json.dumps(sent)})
        ask("GET", f"{at}/records")
        ask("GET", at)
    ask("DELETE", f"{at}/records", {"dataset_record_ids": ["dr-none"]})
    all_ids = [r["dataset_record_id"] for r in json.loads(ask("GET", f"{at}/records")["records"])]
    ask("DELETE", f"{at}/records", {"dataset_record_ids": all_ids[:0]})
    ask("DELETE", f"{at}/records", {"dataset_record_ids": all_ids + all_ids})
    ask("GET", at)
    ask("PATCH", f"{at}/tags", {"tags": json.dumps({"a": "c", "n": 5, "none": None})})
    ask("DELETE", f"{at}/tags/a")
    ask("DELETE", f"{at}/tags/absent")
    ask("POST", f"{at}/add-experiments", {"experiment_ids": ["0", experiment]})
    ask("POST", f"{at}/add-experiments", {"experiment_ids": ["987654"]})
    ask("GET", f"{at}/experiment-ids")
    ask("POST", f"{at}/remove-experiments", {"experiment_ids": ["0", "987654"]})
    for query in searches(name):
        ask("POST", f"{DATASETS}/search", {"experiment_ids": [experiment]} | query)
    ask("GET", f"{DATASETS}/search", None, {"experiment_ids": experiment, "max_results": "5"})
    ask("DELETE", at)
    for method, path in (("GET", at), ("DELETE", at), ("GET", f"{at}/records"), ("GET", f"{at}/experiment-ids")):
        ask(method, path)
    ask("PATCH", f"{at}/tags", {"tags": "{}"})
    ask("POST", f"{at}/add-experiments", {"experiment_ids": ["0"]})
    ask("POST", f"{DATASETS}/search", {"experiment_ids": [experiment]})


def searches(name: str) -> list[dict[str, Any]]:
    filters = [
        f"name = '{name}'",
        f"name != '{name}'",
        "name LIKE 'set-%'",
        "name ILIKE 'SET-%'",
        f"name IN ('{name}', 'x')",
        "created_by = 'ann'",
        "last_updated_by = 'bob'",
        "created_time > 5 AND tags.n = '5'",
        "tags.absent = 'x'",
        "tags.n != '5'",
        "color = 'red'",
        "metrics.a > 1",
        "created_time > 'x'",
        "name = 5",
    ]
    orders = [["name ASC"], ["created_time"], ["last_update_time DESC", "name"], ["color"], ["tags.a"]]
    return [{"filter_string": f} for f in filters] + [{"order_by": o} for o in orders] + [{"max_results": -1}]


def scorers(ask: Callable[..., Any], experiment: str, gone: str) -> None:
    made = {"experiment_id": experiment, "serialized_scorer": '{"name": "x"}'}
    for name in ("b", "a", "b"):
        ask("POST", f"{SCORERS}/register", made | {"name": name})
    ask("POST", f"{SCORERS}/register", made | {"name": " "})
    ask("POST", f"{SCORERS}/register", made | {"name": "c", "serialized_scorer": "{"})
    ask("POST", f"{SCORERS}/register", made | {"name": "c", "experiment_id": "987654"})
    ask("POST", f"{SCORERS}/register", made | {"name": "c", "experiment_id": gone})
    here, b = {"experiment_id": experiment}, {"experiment_id": experiment, "name": "b"}
    ask("GET", f"{SCORERS}/list", None, here)
    ask("GET", f"{SCORERS}/list", None, {"experiment_ids": [experiment, gone, "987654"]})
    ask("GET", f"{SCORERS}/list", None, {"experiment_id": gone})
    ask("GET", f"{SCORERS}/list", None, here | {"experiment_ids": [experiment]})
    for version in ({}, {"version": "1"}, {"version": "2"}, {"version": "3"}):
        ask("GET", f"{SCORERS}/get", None, b | version)
    ask("GET", f"{SCORERS}/get", None, b | {"name": "z"})
    ask("GET", f"{SCORERS}/versions", None, b)
    ask("GET", f"{SCORERS}/versions", None, b | {"name": "z"})
    ask("DELETE", f"{SCORERS}/delete", b | {"version": 7})
    ask("DELETE", f"{SCORERS}/delete", b | {"version": 2})
    ask("POST", f"{SCORERS}/register", made | {"name": "b"})
    ask("DELETE", f"{SCORERS}/delete", b)
    ask("DELETE", f"{SCORERS}/delete", b)
    ask("GET", f"{SCORERS}/list", None, here)


def test_both_servers_say_the_same(url: str, reference: str) -> None:
    both = SimpleNamespace(ours=tell(Server(url)), theirs=tell(Server(reference)))
    for (what, ours), (_, theirs) in zip(both.ours, both.theirs, strict=True):
        words = "own-words" if f"{DATASETS}/search" in what and ours[:2] == theirs[:2] else None
        TALLY.check(what, ours, theirs, words if ours[0] >= 400 else None)


def test_records_in_pages(url: str, reference: str) -> None:
    """Each record once, in pages of any size, also by MLflow's number of records for a token."""
    for server in (Server(url), Server(reference)):
        dataset = server.must("POST", f"{DATASETS}/create", {"name": unique("pages")})["dataset"]["dataset_id"]
        at = f"{DATASETS}/{dataset}/records"
        for half in (range(5), range(5, 9)):
            server.must("POST", at, {"records": json.dumps([{"inputs": {"n": n}} for n in half])})
        for size in (1, 4, 9):
            seen, token = [], "0"
            while token:
                page = server.must("GET", at, None, {"max_results": str(size), "page_token": token})
                seen += [r["inputs"]["n"] for r in json.loads(page["records"])]
                token = page.get("next_page_token")
            assert sorted(seen) == list(range(9))
        assert len(json.loads(server.must("GET", at, None, {"page_token": "7"})["records"])) == 2
