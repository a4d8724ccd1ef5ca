"""The same runs on our server and on MLflow's own: every search must find the same, in the same order."""

import math
from types import SimpleNamespace

import pytest
from conftest import unique
from differential import TALLY
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from mlflow.entities.dataset import Dataset
from mlflow.exceptions import RestException
from mlflow.tracking import MlflowClient

RUNS = 24
GREATEST = 1.7976931348623157e308
START_MS = 1_700_000_000_000
STATUSES = ["FINISHED", "FAILED", "KILLED", "RUNNING"]
NAMES = ["alpha", "Alpha", "al_pha", "al%pha", "beta two", "gamma's", "δelta", "ALPHA"]


def fill(client: MlflowClient) -> str:
    """Writes the script's runs; everything that a search can see is the same on every server but the run ids."""
    experiment = client.create_experiment(unique("differential"))
    for n in range(RUNS):
        run = client.create_run(experiment, start_time=START_MS + 1000 * (n * 7 % RUNS), run_name=NAMES[n % len(NAMES)])
        client.log_batch(run.info.run_id, metrics(n), params(n), tags(n))
        if n % 5 == 0:
            dataset = Dataset(f"set-{n % 2}", f"digest{n}", "local", '{"uri": "/data"}')
            client.log_inputs(
                run.info.run_id,
                [DatasetInput(dataset, [InputTag("mlflow.data.context", "eval" if n % 10 else "train")])],
            )
        if STATUSES[n % 4] != "RUNNING":
            client.set_terminated(run.info.run_id, STATUSES[n % 4], end_time=START_MS + 500_000 - 1000 * n)
        if n % 8 == 7:
            client.delete_run(run.info.run_id)
    return experiment


def metrics(n: int) -> list[Metric]:
    out = [Metric("all", n / 4, START_MS, 0), Metric("val acc", n * 3 % RUNS / 10, START_MS, 0)]
    if n % 3 == 0:
        out += [Metric("third", value, START_MS, step) for step, value in enumerate([5.0, -n / 1.0])]
    if n % 4 == 0:
        odd = [math.nan, math.inf, -math.inf, 0.0, 1e-9, -0.5]
        out.append(Metric("odd", odd[n // 4], START_MS, 0))
    if n % 2:
        out.append(Metric("deep/key.x", 10.0**n, START_MS, n))
    return out


def params(n: int) -> list[Param]:
    out = [Param("n", str(n)), Param("model", ["Tree", "tree", "forest", "T_ee"][n % 4])]
    if n % 3:
        out.append(Param("maybe", "" if n % 2 else "100%"))
    return out


def tags(n: int) -> list[RunTag]:
    out = [RunTag("team", ["river", "Lake", "sea"][n % 3])]
    if n % 4 == 1:
        out += [RunTag("a.b", "dotted"), RunTag("with space", "it's")]
    return out


SEARCHES: list[tuple[str, list[str]]] = [
    ("", []),
    ("", ["metrics.all ASC"]),
    ("", ["metrics.all DESC"]),
    ("", ["metrics.odd ASC"]),
    ("", ["metrics.odd DESC"]),
    ("", ["metrics.third", "attributes.start_time ASC"]),
    ("", ['metrics."val acc" DESC']),
    ("", ["params.model", "params.n DESC"]),
    ("", ["params.maybe ASC", "metrics.all"]),
    ("", ["params.maybe DESC", "metrics.all"]),
    ("", ["tags.team DESC", "start_time"]),
    ("", ["tags.`a.b` ASC"]),
    ("", ["attributes.run_name", "attributes.end_time DESC"]),
    ("", ["attributes.status", "attributes.start_time DESC"]),
    ("", ["end_time ASC"]),
    ("", ["created ASC"]),
    ("metrics.all > 2", []),
    ("metrics.all >= 2 AND metrics.all < 4.5", ["metrics.all"]),
    ("metrics.all = 1.25", []),
    ("metrics.all != 1.25", ["metrics.all"]),
    ("metrics.third <= -3", ["metrics.third DESC"]),
    ("metrics.third = 5", []),
    ("metric.odd > 0", ["metrics.all"]),
    ("metrics.odd < 1", ["metrics.all"]),
    ("metrics.odd != 0", ["metrics.all"]),
    ('metrics."val acc" > 1.5', []),
    ("metrics.`deep/key.x` > 1e5", []),
    ("metrics.`deep/key.x` > 1e5 and metrics.all < 4", []),
    ("metrics.nowhere > 0", []),
    ("params.model = 'tree'", []),
    ("params.model != 'tree'", []),
    ('param.model LIKE "T%"', []),
    ("params.model LIKE 'T_ee'", []),
    ("params.model ILIKE 'tre_'", []),
    ("parameters.maybe = ''", []),
    ("params.maybe = '100%'", []),
    ("params.maybe LIKE '%'", []),
    ("params.maybe IS NULL", []),
    ("params.maybe IS NOT NULL", []),
    ("tags.team = 'river'", []),
    ("tag.team != 'river'", []),
    ("tags.team ILIKE 'L%'", []),
    ("tags.`a.b` = 'dotted'", []),
    ("tags.a.b = 'dotted'", []),
    ('tags."with space" = "it\'s"', []),
    ("tags.`with space` IS NULL", []),
    ("tags.absent != 'x'", []),
    ("attributes.status = 'FINISHED'", []),
    ("status != 'FINISHED'", []),
    ("attr.status LIKE '%ED'", []),
    ("attributes.run_name = 'alpha'", []),
    ("run_name LIKE 'al%'", []),
    ("run_name ILIKE 'AL_PHA'", []),
    ("`run name` = 'beta two'", []),
    ('attributes.run_name = "gamma\'s"', []),
    ("run_name LIKE 'δ%'", []),
    (f"attributes.start_time > {START_MS + 9000}", []),
    (f"start_time <= {START_MS + 9000} AND start_time != {START_MS}", []),
    (f"created >= {START_MS + 20000}", []),
    (f"end_time < {START_MS + 490_000}", []),
    ("artifact_uri LIKE 'mlflow-artifacts:/%'", []),
    ("attributes.user_id != 'nobody'", []),
    ("datasets.name = 'set-0'", []),
    ("dataset.name LIKE 'set%' AND datasets.context = 'eval'", []),
    ("datasets.digest IN ('digest0', 'digest5')", []),
    ("datasets.context != 'train'", []),
    ("metrics.all > 1 AND params.model = 'Tree' AND tags.team != 'sea' AND status = 'FINISHED'", ["metrics.all DESC"]),
    ("attributes.run_id IN ('abc', 'def')", []),
    ("attributes.run_id NOT IN ('abc')", []),
    # refused by both
    ("metrics.all LIKE '1%'", []),
    ("params.model > 'a'", []),
    ("metrics.all IS NULL", []),
    ("NOT metrics.all > 1", []),
    ("metrics.all >", []),
    ("metrics.all > 1 AND", []),
    ("params.model = tree", []),
    ("metrics.all > one", []),
    ("color = 'red'", []),
    ("start_time > 'yesterday'", []),
    ("status IN ('FINISHED')", []),
    ("", ["metrics.all UP"]),
    ("", ["nothing.all"]),
    ("", ["attributes.color"]),
]


@pytest.fixture(scope="module")
def both(url: str, reference: str) -> SimpleNamespace:
    ours, theirs = MlflowClient(url), MlflowClient(reference)
    return SimpleNamespace(ours=(ours, fill(ours)), theirs=(theirs, fill(theirs)))


def found(where: tuple[MlflowClient, str], filter_string: str, order_by: list[str], **more) -> object:
    """The numbers of the found runs in their order, or the error's code."""
    client, experiment = where
    try:
        runs = client.search_runs([experiment], filter_string, order_by=order_by, **more)
    except RestException as error:
        return error.error_code
    return [int(run.data.params["n"]) for run in runs]


def test_or_finds_what_either_side_does(both: SimpleNamespace) -> None:
    """MLflow refuses it (docs/mlflow-compat.md)."""
    either = "metrics.all > 1 AND params.model = 'Tree' OR run_name LIKE 'δ%'"
    sides = [found(both.ours, side, ["attributes.start_time"]) for side in either.split(" OR ")]
    assert all(sides)
    together = found(both.ours, either, ["attributes.start_time"])
    assert isinstance(together, list)
    assert sorted(together) == sorted({n for side in sides for n in side})  # type: ignore[attr-defined]
    assert found(both.theirs, either, []) == "INVALID_PARAMETER_VALUE"


def test_parentheses_hold_together_what_stands_in_them(both: SimpleNamespace) -> None:
    """MLflow refuses them, too."""

    def ours(filter_string: str) -> set[int]:
        answer = found(both.ours, filter_string, [])
        assert isinstance(answer, list), filter_string
        return set(answer)

    sides = ["metrics.all > 1", "params.model = 'Tree'", "run_name LIKE 'δ%'"]
    high, tree, delta = map(ours, sides)
    assert all((high, tree, delta))
    for text, want in {
        "({0} OR {2}) AND {1}": (high | delta) & tree,
        "{0} AND ({1} OR {2})": high & (tree | delta),
        "(({0}) AND ({1})) OR ({2})": high & tree | delta,
    }.items():
        assert ours(text.format(*sides)) == want
        assert found(both.theirs, text.format(*sides), []) == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize(("filter_string", "order_by"), SEARCHES, ids=[f"{f} {', '.join(o)}" for f, o in SEARCHES])
def test_finds_the_same(both: SimpleNamespace, filter_string: str, order_by: list[str]) -> None:
    TALLY.check(
        f"{filter_string} {order_by}",
        found(both.ours, filter_string, order_by),
        found(both.theirs, filter_string, order_by),
    )


@pytest.mark.parametrize("view", [ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL])
def test_views(both: SimpleNamespace, view: int) -> None:
    TALLY.check(
        f"view {view}", found(both.ours, "", [], run_view_type=view), found(both.theirs, "", [], run_view_type=view)
    )


@pytest.mark.parametrize("order_by", [[], ["metrics.third DESC"], ["params.model"]])
def test_pages(both: SimpleNamespace, order_by: list[str]) -> None:
    def pages(where: tuple[MlflowClient, str]) -> list[list[int]]:
        client, experiment = where
        out: list[list[int]] = []
        token = None
        while not out or token:
            page = client.search_runs([experiment], order_by=order_by, max_results=5, page_token=token)
            out.append([int(run.data.params["n"]) for run in page])
            token = page.token
        return out

    TALLY.check(f"pages by {order_by}", pages(both.ours), pages(both.theirs))


def test_the_found_runs_are_whole(both: SimpleNamespace) -> None:
    def whole(where: tuple[MlflowClient, str]) -> list[dict]:
        client, experiment = where
        runs = client.search_runs([experiment], run_view_type=ViewType.ALL)
        found = [comparable(run.to_dictionary()) for run in runs]
        assert found == [comparable(client.get_run(run.info.run_id).to_dictionary()) for run in runs]
        return found

    TALLY.check("whole runs", whole(both.ours), whole(both.theirs))


def comparable(run: dict) -> dict:
    """Without ids, and with texts for values: NaN is not equal to itself, and MLflow's store clamps infinities."""
    for own in ("run_id", "run_uuid", "artifact_uri", "experiment_id"):
        run["info"].pop(own, None)
    values = run["data"]["metrics"]
    run["data"]["metrics"] = {
        k: repr(v if math.isnan(v) else max(-GREATEST, min(GREATEST, v))) for k, v in values.items()
    }
    return run
