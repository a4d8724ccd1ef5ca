"""Asks a real MLflow server what it answers to searches and records it for filter's tests.

    mlflow server --backend-store-uri sqlite:///fresh.db --port 5971 &
    python record.py http://127.0.0.1:5971

The server must be fresh. Writes mlflow_runs.json and mlflow_experiments.json beside this file: the rows that
were logged, and for each search the status, the message, or the names found in their order.
"""

import json
import pathlib
import re
import sys
import urllib.error
import urllib.request

URL = sys.argv[1] + "/api/2.0/mlflow/"
HERE = pathlib.Path(__file__).parent
MAX = 1.7976931348623157e308

# start is relative to 1_700_000_000_000, end 0 is unset; ids are the server's.
RUNS = [
    dict(
        name="alpha",
        start=10,
        end=20,
        status="FINISHED",
        user="ann",
        metrics={"loss": 0.5, "acc": 0.9, "val acc": 1, "a.b": 2, "train/loss": 3, "1st": 1},
        params={"lr": "0.01", "opt": "Adam", "a.b": "dot", "1": "one"},
        tags={"team": "Red", "mlflow.source.name": "x.py"},
        datasets=[("iris", "d1", "train"), ("wine", "d2", None)],
    ),
    dict(
        name="beta",
        start=20,
        end=0,
        status="RUNNING",
        user="bob",
        metrics={"loss": float("nan"), "acc": 0.5},
        params={"lr": "0.1", "opt": "adam"},
        tags={"team": "red"},
        datasets=[("wine", "d2", "test")],
    ),
    dict(
        name="Gamma",
        start=20,
        end=15,
        status="FAILED",
        user="ann",
        metrics={"loss": -1.5, "acc": 0.5, "big": MAX},
        params={"lr": "0.001", "opt": "SGD"},
        tags={"team": "50%_off"},
        datasets=[],
    ),
    dict(
        name="delta",
        start=5,
        end=0,
        status="RUNNING",
        user="",
        metrics={"acc": float("inf")},
        params={},
        tags={},
        datasets=[],
    ),
    dict(
        name="it's",
        start=7,
        end=9,
        status="KILLED",
        user="O'Neil",
        metrics={"loss": 0.0},
        params={"lr": "a\\b", "opt": "back\\%", "text": "two\nlines"},
        tags={"team": "Émile"},
        datasets=[("Iris", "D1", "train")],
    ),
    dict(
        name='dq"name',
        start=7,
        end=9,
        status="FINISHED",
        user="ann",
        metrics={"loss": 7, "step": 3},
        params={"lr": "", "opt": 'say "hi"'},
        tags={"team": "émile", "n": "1"},
        datasets=[],
    ),
]

FILTERS = [
    "",
    "   ",
    "metrics.loss > 0",
    "metric.loss > 0",
    "metrics.loss >= 0.5",
    "metrics.loss < 0.5",
    "metrics.loss <= 0",
    "metrics.loss = 0",
    "metrics.loss != 0",
    "metrics.loss = 0.5",
    "metrics.loss != 0.5",
    "metrics.loss > -1",
    "metrics.loss>-1",
    "metrics.loss > -1e3",
    "metrics.loss > 1e-3",
    "metrics.loss > 1E2",
    "metrics.loss > .5",
    "metrics.loss > 5.",
    "metrics.loss < 1.5e3",
    "metrics.loss > 1e400",
    "metrics.acc > 1e308",
    "metrics.big = 1.7976931348623157e308",
    "metrics.acc > 99999999999999999999999",
    "metrics.loss == 0.5",
    "metrics.loss <> 0.5",
    "metrics.loss =! 0.5",
    "metrics.loss > '0.5'",
    'metrics.loss > "0.5"',
    "metrics.loss > abc",
    "metrics.loss > 0x10",
    "metrics.loss > +1",
    "metrics.loss > - 1",
    "metrics.loss LIKE '1'",
    "metrics.loss IN (1, 2)",
    "metrics.loss IS NULL",
    "metrics.loss IS NOT NULL",
    "metrics.loss > NaN",
    "metrics.loss > inf",
    "metrics.loss > NULL",
    "metrics.loss > 1 AND",
    "AND metrics.loss > 1",
    "metrics.loss > 1 AND AND metrics.acc > 1",
    "metrics.loss > 0 and metrics.acc > 0.6",
    "metrics.loss > 0 OR metrics.acc > 0",
    "NOT metrics.loss > 0",
    "(metrics.loss > 0)",
    "metrics.loss > 0 AND (metrics.acc > 0)",
    "metrics.loss > 0 metrics.acc > 0",
    "metrics.loss > 0, metrics.acc > 0",
    "metrics.loss > 0; metrics.acc > 0",
    "metrics.loss > 0;",
    "metrics.loss",
    "metrics.",
    "metrics. > 1",
    "metrics > 1",
    ".loss > 1",
    "> 1",
    "1 > metrics.loss",
    "metrics.loss >",
    "metrics.loss > 1 2",
    "metrics.loss BETWEEN 1 AND 2",
    "metrics.nothing != 1",
    "metrics.nothing = 0",
    "metrics.`val acc` = 1",
    'metrics."val acc" = 1',
    "metrics.'val acc' = 1",
    "metrics.val acc = 1",
    "`metrics`.`val acc` = 1",
    "metrics.`val acc = 1",
    "metrics.a.b = 2",
    "metrics.`a.b` = 2",
    "metrics.train/loss = 3",
    "metrics.`train/loss` = 3",
    'metrics."train/loss" = 3',
    "metrics.1st = 1",
    "metrics.`1st` = 1",
    "metrics.step = 3",
    "metrics.loss-1 > 0",
    "Metrics.loss > 0",
    "METRICS.loss > 0",
    "metricss.loss > 0",
    "foo.bar = 'x'",
    "foo = 'x'",
    "metrics.loss > 0 -- comment",
    "metrics.loss > 0 # comment",
    "/* c */ metrics.loss > 0",
    "metrics.loss /* c */ > 0",
    "params.lr = '0.01'",
    "param.lr = '0.01'",
    "parameters.lr = '0.01'",
    "parameter.lr = '0.01'",
    'params.lr = "0.01"',
    "params.lr = 0.01",
    "params.lr = abc",
    "params.lr = `0.01`",
    "params.lr != '0.01'",
    "params.lr > '0.01'",
    "params.lr LIKE '0.0%'",
    "params.lr like '0.0%'",
    "params.lr LIKE '0.0_'",
    "params.opt LIKE 'adam'",
    "params.opt ILIKE 'ADAM'",
    "params.opt ilike 'a_a%'",
    "params.opt LIKE '%a%'",
    "params.opt NOT LIKE '%a%'",
    "params.opt RLIKE 'a'",
    "params.lr LIKE 'a\\b'",
    "params.opt LIKE 'back\\%'",
    "params.opt LIKE 'back\\_'",
    "params.opt = 'back\\%'",
    "params.text LIKE 'two%'",
    "params.text LIKE 'two_lines'",
    "params.lr = ''",
    "params.lr LIKE ''",
    "params.lr IN ('0.01', '0.1')",
    "params.lr NOT IN ('0.01')",
    "params.lr IS NULL",
    "params.lr IS NOT NULL",
    "params.lr is null",
    "params.lr is not null",
    "params.lr IS  NOT   NULL",
    "params.lr IS TRUE",
    "params.lr IS",
    "params.lr NULL",
    "params.a.b = 'dot'",
    "params.`a.b` = 'dot'",
    "params.1 = 'one'",
    "params.`1` = 'one'",
    "params.opt = 'say \"hi\"'",
    'params.opt = "say \\"hi\\""',
    "params.opt = 'it''s'",
    "params.lr = 'unclosed",
    "params.lr = unclosed'",
    "params.lr=''' '",
    "params.lr = 'a' 'b'",
    "params.lr = true",
    "tags.team = 'Red'",
    "tag.team = 'Red'",
    "tags.team ILIKE 'red'",
    "tags.team LIKE '50%'",
    "tags.team = '50%_off'",
    "tags.team LIKE '50\\%%'",
    "tags.team ILIKE 'émile'",
    "tags.team ILIKE 'ÉMILE'",
    "tags.team LIKE '_mile'",
    "tags.`mlflow.source.name` = 'x.py'",
    "tags.mlflow.source.name = 'x.py'",
    "tags.mlflow.runName = 'alpha'",
    "tags.team IS NULL",
    "tags.team IS NOT NULL AND params.lr IS NULL",
    "tags.team = 5",
    "tags.n = 1",
    "tags.team > 'a'",
    "tags.team IN ('Red')",
    "tags.'team' = 'Red'",
    "tags.\"team\" = 'Red'",
    "attributes.status = 'FINISHED'",
    "attribute.status = 'FINISHED'",
    "attr.status = 'FINISHED'",
    "run.status = 'FINISHED'",
    "status = 'FINISHED'",
    "status = 'finished'",
    "status ILIKE 'fin%'",
    "status != 'FINISHED'",
    "status > 'A'",
    "status IN ('FINISHED')",
    "status = FINISHED",
    "status IS NULL",
    'status = "FINISHED"',
    "`status` = 'FINISHED'",
    "attributes.`status` = 'FINISHED'",
    "STATUS = 'FINISHED'",
    "run_name = 'alpha'",
    "attributes.run_name = 'alpha'",
    "run_name LIKE '%a'",
    "run_name ILIKE 'g%'",
    "attributes.`run name` = 'alpha'",
    "attributes.\"Run Name\" = 'alpha'",
    "`Run name` = 'alpha'",
    "run name = 'alpha'",
    'run_name = "it\'s"',
    "run_name = 'dq\"name'",
    "run_name IN ('alpha')",
    "run_name != 'alpha'",
    "user_id = 'ann'",
    'user_id = "O\'Neil"',
    "user_id != 'ann'",
    "user_id = ''",
    "artifact_uri LIKE '%artifacts'",
    "attributes.artifact_uri LIKE '%'",
    "lifecycle_stage = 'active'",
    "attributes.experiment_id = '1'",
    "run_uuid = 'x'",
    "start_time > 1700000000007",
    "attributes.start_time >= 1700000000010",
    "start_time = 1700000000020",
    "start_time != 1700000000020",
    "created > 1700000000007",
    "attributes.Created > 1700000000007",
    "start_time > '5'",
    "start_time > 1700000000007.5",
    "start_time > 1e3",
    "start_time LIKE '1'",
    "start_time > -1",
    "start_time < 99999999999999999999",
    "start_time IN (1)",
    "start_time IS NULL",
    "end_time > 0",
    "end_time < 99999999999999",
    "end_time != 1",
    "end_time = 1700000000009",
    "end_time IS NULL",
    "run_id IN ('$0', '$1')",
    "run_id NOT IN ('$0', '$1')",
    "run_id in ('$0')",
    "attributes.run_id IN ('$0')",
    "run_id IN (\"$0\", '$3')",
    "run_id IN ('A1', '$0')",
    "run_id IN ('123')",
    "run_id IN ('A', 'B')",
    "run_id IN ()",
    "run_id IN ('$0',)",
    "run_id IN ('$0' '$1')",
    "run_id IN (1, 2)",
    "run_id IN ('a', 1)",
    "run_id IN (a)",
    "run_id IN '$0'",
    "run_id IN",
    "run_id NOT ('a')",
    "run_id = '$0'",
    "run_id = ('$0')",
    "run_id != '$0'",
    "run_id LIKE '$0'",
    "run_id IN ('$0'",
    "run_id IN (['a'])",
    "run_id IN (('$0', '$1'))",
    "run_id IN ('a\\'b', '$0')",
    "run_id IN ('$0') AND metrics.loss > 0",
    "metrics.loss > 0 AND run_id NOT IN ('$0')",
    "datasets.name = 'iris'",
    "dataset.name = 'iris'",
    "datasets.name ILIKE 'IRIS'",
    "datasets.name LIKE '%i%'",
    "datasets.name != 'wine'",
    "datasets.digest = 'd2'",
    "datasets.context = 'train'",
    "datasets.context != 'train'",
    "datasets.name IN ('iris', 'Iris')",
    "datasets.name NOT IN ('iris')",
    "datasets.context IN ('train', 'test')",
    "datasets.name > 'a'",
    "datasets.foo = 'x'",
    "datasets.name = iris",
    "datasets.name = 5",
    "datasets.name IS NULL",
    "datasets.name = 'wine' AND datasets.context = 'train'",
    "metrics.loss > 0 AND params.lr = '0.01' AND tags.team = 'Red' AND status = 'FINISHED'",
    "metrics.loss > 0 AND metrics.loss < 1",
    "metrics.loss>0 AND params.lr='0.01'",
    "metrics.loss > 0\nAND\tparams.lr = '0.01'",
    "params.lr = 'x' AND\n",
    "params.opt = 'AND' AND params.lr = '0.1'",
    "metrics.loss > 0 && metrics.acc > 0",
    "metrics.loss[0] > 1",
    "metrics.loss * 2 > 1",
    "metrics.loss > 1 + 1",
    "metrics.loss > metrics.acc",
    "select 1",
    "1 = 1",
    "'a' = 'a'",
    "params.a = params.b",
    "metrics.loss > 0 AND 1 = 1",
    "params.lr = 'a' AND x",
    "?",
    "metrics.loss > ?",
    "tags.mlflow.runName IS NULL",
    "metrics.loss > 0 limit 1",
    "metrics.order > 0",
    "metrics.in > 0",
    "params.select = 'x'",
    "metrics._x > 0",
    "metrics.é > 0",
    "metrics.x$y > 0",
    "metrics.loss > 1_000",
    "params . lr = '0.01'",
    "params.lr = '0.01' desc",
    "name = 'x'",
    "params.lr ! = 'x'",
    "metrics.loss !> 1",
    "tags.team ~ 'x'",
]

ORDERS = [
    [],
    ["metrics.loss"],
    ["metrics.loss ASC"],
    ["metrics.loss DESC"],
    ["metrics.loss desc"],
    ["metrics.acc DESC", "metrics.loss"],
    ["metrics.acc", "start_time"],
    ["params.lr"],
    ["params.lr DESC"],
    ["tags.team DESC"],
    ["start_time"],
    ["start_time ASC"],
    ["start_time DESC"],
    ["attributes.start_time ASC", "run_id DESC"],
    ["end_time"],
    ["end_time DESC"],
    ["status"],
    ["attribute.status DESC"],
    ["user_id"],
    ["run_name"],
    ["run_name DESC"],
    ["attributes.run_name"],
    ["artifact_uri"],
    ["run_id"],
    ["run_id DESC"],
    ["created"],
    ["Created DESC"],
    ["attributes.`run name`"],
    ["metrics.`val acc`"],
    ['metrics."val acc" DESC'],
    ["metrics.`val acc` DESC"],
    ["metrics.'val acc'"],
    ["metrics.`train/loss` ASC"],
    ["metrics.train/loss"],
    ["metrics.a.b DESC"],
    ["metrics.loss", "metrics.loss DESC"],
    ["created", "start_time"],
    ["metrics.loss foo"],
    ["metrics.loss ASC DESC"],
    ["metrics.loss, metrics.acc"],
    [""],
    ["foo"],
    ["foo.bar"],
    ["datasets.name"],
    ["metrics.loss NULLS LAST"],
    ["metrics.loss ASC NULLS LAST"],
    ["lifecycle_stage"],
    ["experiment_id"],
    ["'metrics.loss'"],
    ["`metrics.loss`"],
    ["metrics.nothing"],
    ["metrics.loss  DESC"],
    [" metrics.loss DESC "],
    ["1"],
    ["metrics.loss;"],
    ["timestamp"],
    ["timestamp DESC"],
    ["params.lr", "tags.team", "metrics.acc DESC", "status"],
    ["name"],
    ["metrics.loss AS x"],
    ["metrics.1st DESC"],
    ["tags.team Asc"],
]

TOKENS = [
    "abc",
    "bm90IGpzb24=",
    "eyJvZmZzZXQiOiAyfQ==",
    "eyJvZmZzZXQiOiAiMiJ9",
    "eyJvZmZzZXQiOiAieCJ9",
    "e30=",
    "eyJvZmZzZXQiOiAwfQ==",
    "***",
]

EXPERIMENTS = [
    dict(name="Alpha", tags={"team": "Red", "a.b": "x"}),
    dict(name="beta", tags={"team": "blue"}),
    dict(name="ten%", tags={}),
    dict(name="it's", tags={"k": ""}),
]

EXPERIMENT_FILTERS = [
    "",
    "name = 'Alpha'",
    "name != 'Alpha'",
    "name LIKE '%a'",
    "name ILIKE 'a%'",
    "attribute.name = 'Alpha'",
    "attributes.name = 'Alpha'",
    "attr.name = 'Alpha'",
    "name = Alpha",
    'name = "it\'s"',
    "name IN ('Alpha')",
    "name > 'a'",
    "name IS NULL",
    "name = 5",
    "tags.team = 'Red'",
    "tag.team = 'Red'",
    "tags.team != 'Red'",
    "tags.team ILIKE 'r%'",
    "tags.team IS NULL",
    "tags.team IS NOT NULL",
    "tags.`a.b` = 'x'",
    "tags.a.b = 'x'",
    "tags.team IN ('Red')",
    "tags.team > 'a'",
    "tags.team = 5",
    "tags.k = ''",
    "creation_time > 0",
    "creation_time < 0",
    "creation_time != 5",
    "creation_time > '5'",
    "creation_time > 1.5",
    "last_update_time >= 1",
    "last_update_time LIKE '1'",
    "attribute.creation_time > 0",
    "creation_time IS NULL",
    "experiment_id = '1'",
    "experiment_id != '1'",
    "experiment_id IN ('1', '2')",
    "experiment_id NOT IN ('1', '2')",
    "experiment_id LIKE '1'",
    "experiment_id > '1'",
    "experiment_id = 1",
    "experiment_id = 'x'",
    "experiment_id IN ('x')",
    "experiment_id = '01'",
    "experiment_id = ''",
    "foo = 'x'",
    "metrics.x > 1",
    "params.x = 'a'",
    "name = 'a' OR name = 'b'",
    "name = 'Alpha' AND tags.team = 'Red'",
    "(name = 'a')",
    "name",
    "name = 'a' AND",
    "lifecycle_stage = 'active'",
    "name like 'Al%'",
    "name in ('Alpha')",
    "tags.team is null",
    "name LIKE 'ten%'",
    "name = 'x' y",
]

EXPERIMENT_ORDERS = [
    [],
    ["name"],
    ["name DESC"],
    ["experiment_id"],
    ["experiment_id DESC"],
    ["creation_time"],
    ["creation_time DESC", "name"],
    ["last_update_time DESC"],
    ["attribute.name"],
    ["tags.team"],
    ["foo"],
    ["name foo"],
    ["name", "name"],
    ["metrics.x"],
    ["attributes.name"],
    ["experiment_id ASC", "name DESC"],
    [""],
    ["name,"],
]


def call(path, body, method="POST"):
    request = urllib.request.Request(
        URL + path, json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as e:
        return e.code, json.loads(e.read())


def must(path, body):
    status, answer = call(path, body)
    assert status == 200, (path, body, answer)
    return answer


def sort_sets(text):
    """Python prints sets in an order that changes with every process."""
    return re.sub(r"\{('[^{}]*')\}", lambda m: "{" + ", ".join(sorted(m.group(1).split(", "))) + "}", text)


def make_runs():
    experiment = must("experiments/create", {"name": "runs"})["experiment_id"]
    ids = []
    for r in RUNS:
        info = must(
            "runs/create",
            {
                "experiment_id": experiment,
                "run_name": r["name"],
                "user_id": r["user"],
                "start_time": 1_700_000_000_000 + r["start"],
            },
        )
        run_id = info["run"]["info"]["run_id"]
        ids.append(run_id)
        r["id"], r["artifact_uri"] = run_id, info["run"]["info"]["artifact_uri"]

        def encode(v):
            return "NaN" if v != v else ("Infinity" if v == float("inf") else v)

        r["metrics"] = {k: encode(v) for k, v in r["metrics"].items()}
        must(
            "runs/log-batch",
            {
                "run_id": run_id,
                "metrics": [{"key": k, "value": v, "timestamp": 1, "step": 0} for k, v in r["metrics"].items()],
                "params": [{"key": k, "value": v} for k, v in r["params"].items()],
                "tags": [{"key": k, "value": v} for k, v in r["tags"].items()],
            },
        )
        must(
            "runs/log-inputs",
            {
                "run_id": run_id,
                "datasets": [
                    {
                        "dataset": {"name": n, "digest": d, "source_type": "t", "source": "s"},
                        "tags": [{"key": "mlflow.data.context", "value": c}] if c else [],
                    }
                    for n, d, c in r["datasets"]
                ],
            },
        )
        update = {"run_id": run_id, "status": r["status"]}
        if r["end"]:
            update["end_time"] = 1_700_000_000_000 + r["end"]
        must("runs/update", update)
    return experiment, ids


def record_runs():
    experiment, ids = make_runs()
    names = {r["id"]: r["name"] for r in RUNS}

    def search(body):
        status, answer = call("runs/search", {"experiment_ids": [experiment], **body})
        if status == 200:
            return {
                "status": 200,
                "found": [names[r["info"]["run_id"]] for r in answer.get("runs", [])],
                "more": "next_page_token" in answer,
            }
        return {"status": status, "code": answer["error_code"], "message": sort_sets(answer["message"])}

    cases = []
    for text in FILTERS:
        for i, run_id in enumerate(ids):
            text = text.replace(f"${i}", run_id)
        cases.append({"filter": text, "order": [], "answer": search({"filter": text})})
    for order in ORDERS:
        cases.append({"filter": "", "order": order, "answer": search({"order_by": order})})
    tokens = [{"token": t, "answer": search({"page_token": t, "max_results": 3})} for t in TOKENS]
    write("mlflow_runs.json", {"rows": RUNS, "cases": cases, "tokens": tokens})


def record_experiments():
    ids = {"0": "Default"}
    for e in EXPERIMENTS:
        e["id"] = must(
            "experiments/create", {"name": e["name"], "tags": [{"key": k, "value": v} for k, v in e["tags"].items()]}
        )["experiment_id"]
        got = call(f"experiments/get?experiment_id={e['id']}", None, "GET")[1]["experiment"]
        e["created"], e["updated"] = got["creation_time"], got["last_update_time"]
        ids[e["id"]] = e["name"]

    def search(body):
        status, answer = call("experiments/search", {"max_results": 100, **body})
        if status == 200:
            found = [e["name"] for e in answer.get("experiments", []) if e["name"] not in ("Default", "runs")]
            return {"status": 200, "found": found}
        return {"status": status, "code": answer["error_code"], "message": sort_sets(answer["message"])}

    cases = [{"filter": f, "order": [], "answer": search({"filter": f})} for f in EXPERIMENT_FILTERS]
    cases += [{"filter": "", "order": o, "answer": search({"order_by": o})} for o in EXPERIMENT_ORDERS]
    write("mlflow_experiments.json", {"rows": EXPERIMENTS, "cases": cases})


def write(name, data):
    (HERE / name).write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")


record_runs()
record_experiments()
