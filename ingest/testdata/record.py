"""Records what MLflow's own server answers to run writes, so that ours can be held to it.

    mlflow server --backend-store-uri sqlite:///mlflow.db --port 5001
    python record.py http://127.0.0.1:5001 > answers.json

Each entry holds a request (RUN and GONE stand for an active and a deleted run) and the answer's status, error_code
and message. Requests stand in requests.json; nothing but the standard library is needed.
"""

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

API = "/api/2.0/mlflow/"


def post(server: str, route: str, body: bytes, content_type: str = "application/json") -> tuple[int, dict[str, Any]]:
    """Posts a body and answers the status and the decoded answer, {} if that is no JSON object."""
    request = urllib.request.Request(server + API + route, data=body, headers={"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    try:
        decoded = json.loads(text)
    except ValueError:
        return status, {}
    return status, decoded if isinstance(decoded, dict) else {}


def create_run(server: str) -> str:
    """Creates a run in the default experiment."""
    status, answer = post(server, "runs/create", json.dumps({"experiment_id": "0", "start_time": 1}).encode())
    if status != 200:
        raise SystemExit(f"runs/create answers {status}: {answer}")
    return str(answer["run"]["info"]["run_id"])


def record(server: str, case: dict[str, str], gone: str) -> dict[str, Any]:
    """Sends one request to a fresh run and answers it with what came back."""
    run = create_run(server)
    body = expand(case["body"]).replace("RUN", run).replace("GONE", gone)
    status, answer = post(server, case["route"], body.encode(), case.get("content_type", "application/json"))
    message = str(answer.get("message", "")).replace(run, "RUN").replace(gone, "GONE")
    return {**case, "status": status, "error_code": answer.get("error_code", ""), "message": message}


def expand(body: str) -> str:
    """Writes out repetitions: {{text*3}} is texttexttext, and # in text counts from 0; {{k,*2}} ends in a comma."""
    out, rest = "", body
    while "{{" in rest:
        before, _, rest = rest.partition("{{")
        inner, _, rest = rest.partition("}}")
        text, _, count = inner.rpartition("*")
        out += before + "".join(text.replace("#", str(i)) for i in range(int(count)))
    return out + rest


def main() -> None:
    """Records all requests."""
    server = sys.argv[1].rstrip("/")
    gone = create_run(server)
    post(server, "runs/delete", json.dumps({"run_id": gone}).encode())
    cases = json.loads((Path(__file__).parent / "requests.json").read_text(encoding="utf-8"))
    json.dump([record(server, case, gone) for case in cases], sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
