"""Random runs and random searches, the same on our server and on MLflow's own. The seed is fixed: a failure comes
again, SEARCH_SEED tries others, and SEARCH_COUNT more or fewer."""

import itertools
import math
import os
import random
from collections.abc import Callable

import pytest
from conftest import unique
from differential import TALLY, Server, refusal
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.entities.dataset import Dataset
from mlflow.tracking import MlflowClient

SEED = int(os.environ.get("SEARCH_SEED", "20261125"))
RUNS = 100
SEARCHES = int(os.environ.get("SEARCH_COUNT", "1000"))
CHUNKS = 20
START_MS = 1_700_000_000_000

METRICS = ["loss", "acc", "val acc", "a.b", "deep/x"]
PARAMS = ["lr", "opt", "a.b", "with space"]
TAGS = ["team", "note", "a.b"]
TEXTS = ["", "a", "A", "Adam", "adam", "sgd", "0.1", "50%", "a_b", "it's", 'say "x"', "é", "É", "two words", "NULL"]
PATTERNS = ["%", "a%", "%m", "_", "A_am", "%d%", "50%", "", "É", "%'%"]
FLOATS = [0.0, 1.0, -1.5, 0.1, 3.0, 1e10, 1e-9, math.nan]
STATUSES = ["FINISHED", "FAILED", "KILLED", "RUNNING"]


def fill(url: str) -> tuple[str, dict[str, int]]:
    """Writes the runs of the seed; gives the experiment and the runs' numbers by id."""
    pick = random.Random(SEED)
    client = MlflowClient(url)
    experiment = client.create_experiment(unique("random"))
    numbers = {}
    for n in range(RUNS):
        run = client.create_run(experiment, start_time=START_MS + pick.randrange(50), run_name=pick.choice(TEXTS[1:]))
        run_id = run.info.run_id
        numbers[run_id] = n
        client.log_batch(
            run_id,
            [
                Metric(k, pick.choice(FLOATS), START_MS, step)
                for k in METRICS
                if pick.random() < 0.6
                for step in range(2)
            ],
            [Param(k, pick.choice(TEXTS)) for k in PARAMS if pick.random() < 0.6],
            [RunTag(k, pick.choice(TEXTS)) for k in TAGS if pick.random() < 0.6],
        )
        if pick.random() < 0.3:
            context = [InputTag("mlflow.data.context", pick.choice(["train", "eval"]))] if pick.random() < 0.7 else []
            dataset = Dataset(pick.choice(["wine", "iris"]), pick.choice(["d1", "d2"]), "local", "{}")
            client.log_inputs(run_id, [DatasetInput(dataset, context)])
        status = pick.choice(STATUSES)
        if status != "RUNNING":
            client.set_terminated(run_id, status, end_time=START_MS + 100 + pick.randrange(50))
    return experiment, numbers


def key(pick: random.Random, keys: list[str]) -> str:
    k = pick.choice(keys)
    return pick.choice([f"`{k}`", f'"{k}"']) if " " in k or pick.random() < 0.3 else k


def text(pick: random.Random, texts: list[str]) -> str:
    t = pick.choice(texts)
    quotes = [q for q in "'\"" if q not in t]
    return quotes[0] + t + quotes[0] if pick.random() < 0.97 else t


def words(pick: random.Random, *all_words: str) -> str:
    word = pick.choice(all_words)
    return word if pick.random() < 0.9 else word.lower()


def metric_clause(pick: random.Random) -> str:
    number = pick.choice(["0", "1", "-1.5", "0.1", "3.0", "1e10", ".5", "-1", "1e-9", "'1'", "abc", "nan"])
    entity = pick.choice(["metrics", "metrics", "metric", "METRICS"])
    return f"{entity}.{key(pick, METRICS)} {pick.choice(['>', '>=', '<', '<=', '=', '!=', 'LIKE'])} {number}"


def text_clause(pick: random.Random) -> str:
    entity, keys = pick.choice([("params", PARAMS), ("parameter", PARAMS), ("tags", TAGS), ("tag", TAGS)])
    field = f"{entity}.{key(pick, keys)}"
    shape = pick.random()
    if shape < 0.2:
        return f"{field} IS {words(pick, 'NULL', 'NOT NULL')}"
    if shape < 0.5:
        return f"{field} {words(pick, 'LIKE', 'ILIKE')} {text(pick, PATTERNS)}"
    return f"{field} {pick.choice(['=', '!=', '=', '>'])} {text(pick, TEXTS)}"


def attribute_clause(pick: random.Random) -> str:
    prefix = pick.choice(["", "attributes.", "attribute.", "attr.", "run."])
    if pick.random() < 0.4:
        field = pick.choice(["start_time", "end_time", "created", "Created"])
        return f"{prefix}{field} {pick.choice(['>', '>=', '<', '<=', '=', '!='])} {START_MS + pick.randrange(160)}"
    # Not artifact_uri, which has the run's id in it: no two servers give the same.
    field = pick.choice(["status", "run_name", "`run name`", "user_id", "color"])
    value = text(pick, STATUSES if field == "status" else TEXTS)
    if pick.random() < 0.3:
        return f"{prefix}{field} {words(pick, 'LIKE', 'ILIKE')} {text(pick, PATTERNS)}"
    return f"{prefix}{field} {pick.choice(['=', '!='])} {value}"


def dataset_clause(pick: random.Random) -> str:
    field, values = pick.choice(
        [("name", ["wine", "iris", "x"]), ("digest", ["d1", "d2"]), ("context", ["train", "eval"])]
    )
    entity = pick.choice(["datasets", "dataset"])
    if pick.random() < 0.3:
        some = ", ".join(f"'{v}'" for v in pick.sample(values, pick.randrange(1, len(values) + 1)))
        return f"{entity}.{field} {words(pick, 'IN', 'NOT IN')} ({some})"
    return f"{entity}.{field} {pick.choice(['=', '!=', 'LIKE'])} '{pick.choice([*values, 'w%'])}'"


CLAUSES: list[Callable[[random.Random], str]] = [
    metric_clause, metric_clause, text_clause, text_clause, attribute_clause, dataset_clause,
]  # fmt: skip


def order(pick: random.Random) -> str:
    field = pick.choice(
        [f"metrics.{key(pick, METRICS)}"] * 3
        + [
            f"params.{key(pick, PARAMS)}",
            f"tags.{key(pick, TAGS)}",
            "start_time",
            "end_time",
            "attributes.status",
            "run_name",
        ]
    )
    return field + pick.choice(["", " ASC", " DESC", " desc"])


def searches() -> list[tuple[str, list[str]]]:
    pick = random.Random(SEED + 1)
    out = []
    for _ in range(SEARCHES):
        clauses = [pick.choice(CLAUSES)(pick) for _ in range(pick.choice([0, 1, 1, 1, 2, 2, 3]))]
        join = pick.choice([" AND ", " and "]) if pick.random() < 0.2 else " AND "
        out.append((join.join(clauses), [order(pick) for _ in range(pick.choice([0, 0, 1, 2]))]))
    return out


# The two servers, each with its experiment and the runs' numbers by id.
Both = list[tuple[Server, str, dict[str, int]]]


@pytest.fixture(scope="module")
def both(url: str, reference: str) -> Both:
    return [(Server(where), *fill(where)) for where in (url, reference)]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_find_the_same(both: Both, chunk: int) -> None:
    for filter_string, order_by in searches()[chunk::CHUNKS]:
        ours, theirs = answers(both, filter_string, order_by)
        refused = isinstance(ours, tuple) and isinstance(theirs, tuple)
        if refused and ours != theirs and filter_string and order_by:
            # Two mistakes, and which of them is told is anyone's choice: so one at a time.
            compare(filter_string, [], *answers(both, filter_string, []))
            compare("", order_by, *answers(both, "", order_by))
        else:
            compare(filter_string, order_by, ours, theirs)


def compare(filter_string: str, order_by: list[str], ours: object, theirs: object) -> None:
    broken = isinstance(theirs, tuple) and theirs[0] == 500
    known = "refused-not-broken" if broken else None
    TALLY.check(f"SEARCH_SEED={SEED}: {filter_string!r} {order_by}", ours, theirs, known)


def answers(both: Both, filter_string: str, order_by: list[str]) -> list[list[int] | tuple]:
    """The numbers found, or the refusal, of our server and of MLflow's."""
    out: list[list[int] | tuple] = []
    for server, experiment, numbers in both:
        body = {"experiment_ids": [experiment], "filter": filter_string, "order_by": order_by}
        status, answer = server.ask("POST", "runs/search", body)
        if status == 200:
            out.append(sort_ties([rank(run, numbers) for run in answer.get("runs", [])], order_by))
        else:
            out.append(refusal(status, answer))
    return out


def rank(run: dict, numbers: dict[str, int]) -> tuple[dict[str, str], int]:
    """What an order can see of a run, and its number."""
    data = run["data"]
    values = {
        f"{kind}.{e['key']}": str(e["value"]) for kind in ("metrics", "params", "tags") for e in data.get(kind, [])
    }
    info = run["info"]
    values |= {k: str(info.get(k)) for k in ("start_time", "end_time", "status", "run_name")}
    return values, numbers[info["run_id"]]


def sort_ties(found: list[tuple[dict[str, str], int]], order_by: list[str]) -> list[int]:
    """Numbers in the order found. Neighbours that are alike in the order and in their start stand by their ids, which
    no two servers give alike: they are sorted."""
    fields = [o.rsplit(" ", 1)[0] if o.split(" ")[-1].lower() in ("asc", "desc") else o for o in order_by]
    fields = [f.removeprefix("attributes.").replace("`", "").replace('"', "") for f in fields]
    groups = itertools.groupby(found, key=lambda run: [run[0].get(f) for f in [*fields, "start_time"]])
    return [number for _, group in groups for number in sorted(number for _, number in group)]
