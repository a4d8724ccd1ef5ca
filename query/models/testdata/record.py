"""Asks a real MLflow server what it answers to searches for logged models and records it for the package's tests.

    mlflow server --backend-store-uri sqlite:///fresh.db --port 5971 &
    python record.py http://127.0.0.1:5971

Writes mlflow_models.json beside this file: the models with their metrics, and for each search the status, and the
message or the names found in their order. What the server cannot answer (status 500) is recorded as that.
"""

import base64
import json
import pathlib
import sys
import time
import urllib.error
import urllib.request

URL = sys.argv[1] + "/api/2.0/mlflow/"
HERE = pathlib.Path(__file__).parent
NAN = float("nan")

# Metrics are key, value, timestamp, step, dataset name, dataset digest, run.
MODELS = [
    dict(
        name="alpha",
        model_type="Agent",
        run=True,
        params={"lr": "0.1", "a.b": "dot", "n": "1"},
        tags={"team": "Red", "k": ""},
        metrics=[
            ["acc", 0.5, 1, 0, "iris", "d1", 0],
            ["acc", 0.9, 2, 1, "iris", "d1", 0],
            ["acc", 0.7, 2, 0, "wine", "d2", 0],
            ["val acc", 1.0, 5, 0, None, None, 0],
        ],
        status="LOGGED_MODEL_READY",
    ),
    dict(
        name="beta",
        model_type="",
        run=False,
        params={"lr": "0.01"},
        tags={"team": "red"},
        metrics=[["acc", NAN, 3, 0, "iris", "d2", 0], ["loss", -1.5, 3, 0, None, None, 1]],
        status="LOGGED_MODEL_UPLOAD_FAILED",
    ),
    dict(name="Gamma", model_type="agent", run=True, params={}, tags={}, metrics=[], status=""),
    dict(
        name="x y",
        model_type="it's",
        run=False,
        params={"lr": "50%", "quoted": "'q'"},
        tags={"team": "blue", "a b": "c", "dq": '"x"'},
        metrics=[
            ["acc", 0.8, 9, 0, None, None, 0],
            ["acc", 0.1, 9, 0, None, None, 1],
            ["loss", 3, 1, 7, "wine", "d2", 0],
        ],
        status="LOGGED_MODEL_READY",
    ),
    dict(
        name="x y",
        model_type="Agent",
        run=False,
        params={"lr": "0.1", "n": "10"},
        tags={"team": "Red"},
        metrics=[["loss", 0.0, 1, 1, "iris", "d1", 0], ["acc", 0.8, 0, 0, "iris", "d1", 1]],
        status="LOGGED_MODEL_READY",
    ),
]

FILTERS = """
name = 'alpha'
name != 'alpha'
name = alpha
name = "alpha"
name = ''alpha''
name LIKE 'al%'
name like 'x_y'
name ILIKE 'GAMMA'
name IN ('alpha', 'beta')
name in ('alpha')
name NOT IN ('alpha', 'beta')
name not in ("x y")
name IN 'alpha'
name IN ()
name IN (1, 2)
name > 'a'
name IS NULL
name = 'alpha' OR name = 'beta'
name = 'alpha' AND model_type = 'Agent'
name = 'alpha' and model_type = 'Agent'
name = 'alpha' model_type = 'Agent'
(name = 'alpha')
name
name =
= 'alpha'
name = 'alpha' AND
AND
;
name = 'alpha';
name = 'alpha'; name = 'beta'
`name` = 'alpha'
attributes.name = 'alpha'
attributes.`name` = 'alpha'
attribute.name = 'alpha'
attr.name = 'alpha'
Attributes.name = 'alpha'
model_type = 'Agent'
model_type != 'Agent'
model_type = ''
model_type LIKE '%'
model_type = 'it''s'
model_type NOT IN ('Agent')
source_run_id = '$run'
source_run_id != 'x'
model_id = '$0'
model_id IN ('$0', '$1')
status = 'READY'
status = '2'
status != '2'
experiment_id = '$exp'
lifecycle_stage = 'active'
status_message = 'x'
artifact_location LIKE '%models%'
color = 'red'
attributes.color = 'red'
creation_timestamp > 0
creation_time > 0
creation_timestamp_ms > 0
last_updated_timestamp >= 1
last_updated_timestamp_ms < 1
last_updated_time > 0
attributes.creation_time > 0
attributes.creation_timestamp > 0
attributes.creation_timestamp_ms > 0
creation_timestamp > 'yesterday'
creation_timestamp > '5'
creation_timestamp LIKE '5'
creation_timestamp = 1.5
metrics.acc > 0.6
metrics.acc >= 0.9
metrics.acc < 0.2
metrics.acc <= 0
metrics.acc = 0.5
metrics.acc != 0.8
metrics.acc > 0.6 AND metrics.loss < 1
metrics.acc>0.6
metrics.acc > -1
metrics.acc > 1e-1
metrics.acc > nan
metrics.acc < inf
metrics.acc > 1_0
metrics.acc > 0x1
metrics.acc > '0.6'
metrics.acc > one
metrics.acc LIKE '1'
metrics.acc IN (1)
metrics.acc IS NULL
metrics.acc <> 1
metrics.`val acc` = 1
metrics."val acc" = 1
metrics.val acc = 1
metric.acc > 0
metrics.none > 0
params.lr = '0.1'
params.lr = 0.1
params.lr != '0.1'
params.lr LIKE '0.%'
params.lr LIKE '50%'
params.lr ILIKE '0.0_'
params.lr IN ('0.1', '50%')
params.lr NOT IN ('0.1')
params.lr > '0'
params.n = '1'
params.n IN (1, 10)
params.a.b = 'dot'
params.`a.b` = 'dot'
params.quoted = 'q'
params.quoted = '''q'''
param.lr = '0.1'
parameters.lr = '0.1'
tags.team = 'Red'
tags.team ILIKE 'r%'
tags.team != 'Red'
tags.k = ''
tags.`a b` = 'c'
tags.dq = '"x"'
tags.dq = "x"
tag.team = 'Red'
tags.team = 'Red' AND params.lr = '0.1' AND metrics.acc > 0.7 AND name != 'z'
""".splitlines()

ORDERS = [
    [["name", True]],
    [["name", False]],
    [["model_type", True]],
    [["model_type", False]],
    [["status", True], ["name", True]],
    [["source_run_id", True]],
    [["creation_time", True]],
    [["creation_timestamp", False]],
    [["creation_timestamp_ms", True]],
    [["last_updated_timestamp", True]],
    [["last_updated_timestamp_ms", False]],
    [["last_updated_time", False]],
    [["experiment_id", True], ["name", False]],
    [["lifecycle_stage", True]],
    [["model_id", True]],
    [["metrics.acc", True]],
    [["metrics.acc", False]],
    [["metrics.acc", True, "iris"]],
    [["metrics.acc", True, "iris", "d1"]],
    [["metrics.acc", False, "", "d1"]],
    [["metrics.loss", False], ["name", True]],
    [["metrics.none", False]],
    [["metrics.val acc", True]],
    [["metrics.`val acc`", True]],
    [["name", True], ["name", False]],
    [["params.lr", True]],
    [["attributes.name", True]],
    [["color", True]],
    [["", True]],
    [["metrics.acc", True], ["metrics.loss", True]],
]

DATASETS = [
    ("", [["iris", "d1"]]),
    ("", [["wine", "d2"]]),
    ("", [["iris", "d1"], ["wine", "d2"]]),
    ("", [["iris", ""]]),
    ("", [["none", "d1"]]),
    ("", [["", "d1"]]),
    ("metrics.acc > 0.6", [["iris", "d1"]]),
    ("metrics.acc > 0.6", [["wine", "d2"]]),
    ("metrics.acc < 0.6", [["iris", "d1"], ["wine", "d2"]]),
    ("metrics.loss > 1", [["iris", "d1"]]),
    ("name = 'x y'", [["iris", "d1"]]),
]


def call(path, body, method="POST"):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as e:
        text = e.read()
        return e.code, json.loads(text) if text[:1] == b"{" else {"error_code": "", "message": ""}


def must(path, body, method="POST"):
    status, answer = call(path, body, method)
    assert status == 200, (path, body, answer)
    return answer


def make():
    experiment = must("experiments/create", {"name": f"models-{time.time_ns()}"})["experiment_id"]
    runs = sorted(must("runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"] for _ in range(2))
    for m in MODELS:
        body = {"experiment_id": experiment, "name": m["name"], "model_type": m["model_type"]}
        body["params"] = [{"key": k, "value": v} for k, v in m["params"].items()]
        body["tags"] = [{"key": k, "value": v} for k, v in m["tags"].items()]
        m["source_run_id"] = runs[0] if m.pop("run") else ""
        body["source_run_id"] = m["source_run_id"]
        m["id"] = must("logged-models", body)["model"]["info"]["model_id"]
        for key, value, timestamp, step, dataset, digest, run in m["metrics"]:
            metric = {"key": key, "value": "NaN" if value != value else value, "timestamp": timestamp, "step": step}
            metric |= {"model_id": m["id"], "run_id": runs[run]}
            if dataset:
                metric |= {"dataset_name": dataset, "dataset_digest": digest}
            must("runs/log-metric", metric)
        time.sleep(0.01)
        if m["status"]:
            must(f"logged-models/{m['id']}", {"model_id": m["id"], "status": m["status"]}, "PATCH")
        info = must(f"logged-models/{m['id']}", None, "GET")["model"]["info"]
        m["created"], m["updated"] = info["creation_timestamp_ms"], info["last_updated_timestamp_ms"]
        m["artifact_uri"] = info["artifact_uri"]
        m["metrics"] = [["NaN" if v != v else v for v in metric] for metric in m["metrics"]]
    return experiment, runs


def wish(field, ascending, name="", digest=""):
    return {"field_name": field, "ascending": ascending, "dataset_name": name, "dataset_digest": digest}


def main():
    experiment, runs = make()
    numbers = {m["id"]: n for n, m in enumerate(MODELS)}

    def search(body):
        status, answer = call("logged-models/search", {"experiment_ids": [experiment], **body})
        if status == 200:
            found = [numbers[m["info"]["model_id"]] for m in answer.get("models", [])]
            return {"status": 200, "found": found, "token": answer.get("next_page_token", "")}
        return {"status": status, "code": answer["error_code"], "message": answer["message"]}

    cases = []

    def case(text="", order=(), datasets=()):
        text = text.replace("$run", runs[0]).replace("$0", MODELS[0]["id"]).replace("$1", MODELS[1]["id"])
        text = text.replace("$exp", experiment)
        body = {"filter": text, "order_by": [wish(*o) for o in order]}
        body["datasets"] = [{"dataset_name": n, "dataset_digest": d} if d else {"dataset_name": n} for n, d in datasets]
        answer = search(body)
        answer.pop("token", None)
        cases.append({"filter": text, "order": body["order_by"], "datasets": datasets, "answer": answer})

    for text in [*FILTERS, "   "]:
        case(text)
    for order in ORDERS:
        case(order=order)
    for text, datasets in DATASETS:
        case(text, datasets=datasets)
    first = search({"max_results": 2, "filter": "name != 'q'", "order_by": [wish("name", True)]})
    tokens = []

    def token(text, **body):
        tokens.append({"token": text, "body": body, "answer": search({"page_token": text, "max_results": 2, **body})})

    same = {"filter": "name != 'q'", "order_by": [wish("name", True)]}
    token(first["token"], **same)
    token(first["token"], **{**same, "filter": "name != 'r'"})
    token(first["token"], **{**same, "filter": ""})
    token(first["token"], **{**same, "order_by": []})
    token(first["token"], **{**same, "order_by": [wish("name", False, "a", "b")]})
    token(first["token"], **same, experiment_ids=["0"])
    token("!!")
    token(base64.b64encode(b"no json").decode())
    data = {"experiment": experiment, "runs": runs, "models": MODELS, "cases": cases, "tokens": tokens}
    (HERE / "mlflow_models.json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")


main()
