"""Asks a real MLflow server what it answers to searches of its registry and records it.

    mlflow server --backend-store-uri sqlite:///fresh.db --port 5971 &
    python record.py http://127.0.0.1:5971

The server must be fresh. Writes mlflow_registry.json beside this file: what was registered, in this order, and
for each search the status, the message, or the names and numbers found in their order.
"""

import json
import pathlib
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

URL = sys.argv[1] + "/api/2.0/mlflow/"
PROMPT = "mlflow.prompt.is_prompt"

# A step is a route and its body. Each is a millisecond or more after the one before.
MODELS = {
    "wine": {"team": "Red", "a.b": "dot"},
    "Wine_2": {"team": "red", "empty": ""},
    "iris": {},
    "50%_off": {"team": "50%_off", "is it": "it's"},
    "fox's": {"team": "Émile"},
    "hello": {PROMPT: "true", "lang": "en"},
    "odd": {PROMPT: "false"},
}
VERSIONS = [
    ("wine", "s3://b/wine/1", "r1", {"val": "1", "stage.x": "dev"}),
    ("wine", "s3://b/wine/2", "r2", {"val": "2"}),
    ("Wine_2", "s3://b/Wine/1", "", {"val": "10"}),
    ("iris", "s3://b/iris", "r1", {}),
    ("wine", "s3://b/wine/3", "R1", {"val": "2", "team": "Red"}),
    ("fox's", "s3://b/fox", "it's", {}),
    ("hello", "dummy-source", None, {PROMPT: "true", "mlflow.prompt.text": "hi"}),
    ("odd", "s3://b/odd", "r9", {PROMPT: "false"}),
    ("iris", "dummy-source", "r3", {PROMPT: "True"}),
    ("wine", "s3://b/wine/4", "r4", {}),
]

TAGS = [
    "tags.team = 'Red'",
    "tag.team = 'red'",
    "tags.team != 'Red'",
    "tags.team LIKE 'R%'",
    "tags.team ILIKE 'r%'",
    "tags.team ILIKE 'é%'",
    "tags.`team` = 'Red'",
    "tags.\"team\" = 'Red'",
    "tags.'team' = 'Red'",
    "tags.team like 'R_d'",
    "tags.team IN ('Red')",
    "tags.team > 'R'",
    "tags.team = Red",
    "tags.team = 3",
    "tags.team IS NULL",
    "tags.a.b = 'dot'",
    'tags.`is it` = "it\'s"',
    "tags.empty = ''",
    "tags.team = 'Red' AND tags.team != 'blue'",
    "tags.team != 'blue' AND tags.team != 'Red'",
    "tags.val = '2' and tags.team = 'Red'",
    "tags.val != '2' name = 'wine'",
    f"tags.`{PROMPT}` = 'true'",
    f"tags.`{PROMPT}` = 'True'",
    f"tags.`{PROMPT}` = 'false'",
    f"tags.`{PROMPT}` != 'true'",
    f"tags.`{PROMPT}` != 'false'",
    f"tags.`{PROMPT}` LIKE 'tr%'",
    f"tag.`{PROMPT}` = 'true' AND name = 'hello'",
    f"name LIKE 'h%' AND tag.`{PROMPT}` = 'true'",
    f"tag.`{PROMPT}` != 'true' AND tag.`{PROMPT}` = 'true'",
]
NAMES = [
    "",
    " ",
    "name = 'wine'",
    "name = 'Wine'",
    "name != 'wine'",
    "name LIKE 'w%'",
    "name ILIKE 'w%'",
    "name ILIKE '%E'",
    "name like '%i%'",
    "name LIKE '50%'",
    "name LIKE 'w_ne'",
    "name LIKE '%%%'",
    'name = "wine"',
    'name = "fox\'s"',
    "name = 'fox''s'",
    "name IN ('wine', 'iris')",
    "name IN ('wine')",
    "name in ('wine', \"fox's\")",
    "name NOT IN ('wine', 'iris')",
    "name IN ()",
    "name IN (1, 2)",
    "name IN ('wine',)",
    "name IN 'wine'",
    "name > 'iris'",
    "name <= 'iris'",
    "name RLIKE 'w'",
    "name = wine",
    "name = 5",
    "name = 5.5",
    "name == 'wine'",
    "name <> 'wine'",
    "name IS NULL",
    "name IS NOT NULL",
    "name = 'wine' AND name = 'iris'",
    "name = 'wine' OR name = 'iris'",
    "NOT name = 'wine'",
    "(name = 'wine')",
    "name = 'wine' AND",
    "AND",
    "name",
    "name =",
    "= 'wine'",
    "'wine' = name",
    "foo bar",
    "name = 'wine';",
    "name = 'wine'; name = 'iris'",
    "attribute.name = 'wine'",
    "attributes.name = 'wine'",
    "`name` = 'wine'",
    "attribute.`name` = 'wine'",
    "\"name\" = 'wine'",
    "Name = 'wine'",
    "foo = 'wine'",
    "foo.name = 'wine'",
    "metrics.loss > 1",
    "params.x = '1'",
    "run_id = 'r1'",
    "run_id != 'r1'",
    "run_id = ''",
    "run_id != ''",
    "run_id IN ('r1', 'r2')",
    "run_id NOT IN ('r1', 'r2')",
    "run_id LIKE 'r%'",
    "run_id ILIKE 'r%'",
    'run_id = "it\'s"',
    "run_id > 'r1'",
    "run_id = 3",
    "source_path = 's3://b/iris'",
    "source_path LIKE 's3://b/w%'",
    "source_path ILIKE 's3://b/w%'",
    "source_path != 's3://b/iris'",
    "source_path IN ('s3://b/iris')",
    "source_path > 's3'",
    "source = 's3://b/iris'",
    "version_number = 2",
    "version_number = '2'",
    "version_number = ' 2 '",
    "version_number = 'abc'",
    "version_number != 2",
    "version_number > 1",
    "version_number >= 2",
    "version_number < 2",
    "version_number <= 1",
    "version_number > -1",
    "version_number = 2.0",
    "version_number = 1e3",
    "version_number = abc",
    "version_number LIKE '2'",
    "version_number IN ('1', '2')",
    "version_number IN (1, 2)",
    "version_number = ('1')",
    "version = 2",
    "creation_timestamp > 1",
    "last_updated_timestamp > 1",
    "name = 'wine' AND version_number >= 2 AND run_id != 'r4'",
    "run_id = 'r1' AND tags.val = '1'",
]
ORDERS = [
    ["name"],
    ["name ASC"],
    ["name DESC"],
    ["name desc"],
    ["name  DESC"],
    ["name foo"],
    ["name ASC foo"],
    ["name, version_number"],
    [""],
    ["`name`"],
    ['"name" DESC'],
    ["attribute.name DESC"],
    ["tag.name DESC"],
    ["tag.team DESC"],
    ["foo.name"],
    ["Name"],
    ["timestamp"],
    ["timestamp DESC"],
    ["TIMESTAMP desc"],
    ["last_updated_timestamp"],
    ["last_updated_timestamp DESC"],
    ["creation_timestamp"],
    ["creation_timestamp DESC"],
    ["creation_time"],
    ["version_number"],
    ["version_number DESC"],
    ["version"],
    ["run_id"],
    ["source_path"],
    ["name", "name"],
    ["name", "name DESC"],
    ["timestamp", "last_updated_timestamp"],
    ["version_number", "name DESC"],
    ["name", "version_number"],
    ["name DESC", "creation_timestamp DESC"],
    ["creation_timestamp DESC", "timestamp"],
]


def send(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=data, method=method, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as f:
            return f.status, json.load(f)
    except urllib.error.HTTPError as e:
        text = e.read()
        if not text.startswith(b"{"):  # a page that says that the server failed
            return e.code, {"error_code": "", "message": ""}
        return e.code, json.loads(text)


def must(method, path, body):
    status, answer = send(method, path, body)
    assert status == 200, answer
    time.sleep(0.003)
    return answer


def pairs(tags):
    return [{"key": k, "value": v} for k, v in tags.items()]


def search(subject, text, order, token=None, size=None):
    query = [("filter", text)] if text else []
    query += [("order_by", o) for o in order]
    query += [("page_token", token)] if token else []
    query += [("max_results", size)] if size else []
    status, answer = send("GET", f"{subject}/search?{urllib.parse.urlencode(query)}" if query else f"{subject}/search")
    if status != 200:
        # Python writes a set in another order each time.
        message = re.sub(r"\{([^{}]*)\}", lambda m: "{" + ", ".join(sorted(m[1].split(", "))) + "}", answer["message"])
        return {"status": status, "code": answer["error_code"], "message": message}
    if subject == "registered-models":
        return {"status": status, "found": [m["name"] for m in answer.get("registered_models", [])]}
    return {"status": status, "found": [f"{v['name']}/{v['version']}" for v in answer.get("model_versions", [])]}


def main():
    created = {}
    for name, tags in MODELS.items():
        m = must("POST", "registered-models/create", {"name": name, "tags": pairs(tags)})["registered_model"]
        created[name] = {"name": name, "tags": tags, "created": m["creation_timestamp"]}
    versions = []
    for name, source, run, tags in VERSIONS:
        body = {"name": name, "source": source, "tags": pairs(tags)}
        if run is not None:
            body["run_id"] = run
        v = must("POST", "model-versions/create", body)["model_version"]
        versions.append(
            {"name": name, "version": int(v["version"]), "source": source, "run_id": run or "", "tags": tags}
        )
    must("PATCH", "model-versions/update", {"name": "wine", "version": "1", "description": "x"})
    must("DELETE", "model-versions/delete", {"name": "wine", "version": "4"})
    for v in versions:
        status, answer = send(
            "GET", "model-versions/get?" + urllib.parse.urlencode({"name": v["name"], "version": v["version"]})
        )
        v["deleted"] = status != 200
        if status == 200:
            v["created"] = answer["model_version"]["creation_timestamp"]
            v["updated"] = answer["model_version"]["last_updated_timestamp"]
    for name, m in created.items():
        _, answer = send("GET", "registered-models/get?" + urllib.parse.urlencode({"name": name}))
        m["updated"] = answer["registered_model"]["last_updated_timestamp"]
    cases = []
    for subject in ("registered-models", "model-versions"):
        for text in NAMES + TAGS:
            cases.append({"subject": subject, "filter": text, "order": [], "answer": search(subject, text, [])})
        for order in ORDERS:
            cases.append({"subject": subject, "filter": "", "order": order, "answer": search(subject, "", order)})
    out = {"models": list(created.values()), "versions": versions, "cases": cases}
    here = pathlib.Path(__file__).parent / "mlflow_registry.json"
    here.write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
