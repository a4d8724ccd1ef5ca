"""Frames by the rules of docs/protocol.md alone: examples/clients/frames.py, and the page's line with curl."""

import json
import os
import re
import subprocess
import sys

import pytest
import requests
from conftest import ROOT, unique
from mlflow.tracking import MlflowClient

PROGRAM = str(ROOT / "examples" / "clients" / "frames.py")
PAGE = (ROOT / "docs" / "protocol.md").read_text()
RUN_SECONDS = 60

pytestmark = pytest.mark.stricter


def test_a_client_of_the_standard_library_does_a_whole_run(client: MlflowClient, url: str) -> None:
    name = unique("frames")
    env = {"PATH": os.environ["PATH"], "STREAMGAUGE_URL": url}
    said = subprocess.run([sys.executable, PROGRAM, name], env=env, capture_output=True, text=True, timeout=RUN_SECONDS)
    assert said.returncode == 0, said.stderr
    _, run_id, _, accepted = said.stdout.split()
    assert accepted == "3"
    (run,) = client.search_runs([client.get_experiment_by_name(name).experiment_id])
    assert (run.info.run_id, run.info.run_name, run.info.status) == (run_id, "in frames", "FINISHED")
    assert (run.data.params, run.data.metrics, run.data.tags["client"]) == ({"lr": "0.01"}, {"loss": 0.25}, "frames")
    assert [(p.step, p.value) for p in client.get_metric_history(run_id, "loss")] == [(0, 1.0), (1, 0.5), (2, 0.25)]


def test_the_page_shows_what_the_program_sends(url: str) -> None:
    sent = subprocess.run([sys.executable, PROGRAM, "--print"], capture_output=True, timeout=RUN_SECONDS).stdout
    (fixed,) = re.findall(r"```frame fixed\n(.*?)```", PAGE, re.DOTALL)
    shown = bytes.fromhex("".join(re.findall(r"^(?:[0-9a-f]{2} ?)+", fixed, re.MULTILINE)))
    assert sent.endswith(shown)
    (answer,) = re.findall(r'^\{"accepted".*\}$', PAGE, re.MULTILINE)
    curl = ["curl", "-sS", "--data-binary", "@-", "-H", "Content-Type: application/x-protobuf", url + "/v1/frames"]
    said = subprocess.run(curl, input=sent, capture_output=True, timeout=RUN_SECONDS).stdout.decode()
    assert json.loads(said) == json.loads(answer), said


def test_a_malformed_frame_is_400_with_its_place(client: MlflowClient, url: str) -> None:
    sent = subprocess.run([sys.executable, PROGRAM, "--print"], capture_output=True, timeout=RUN_SECONDS).stdout
    headers = {"Content-Type": "application/x-protobuf"}
    answer = requests.post(url + "/v1/frames", data=sent + b"\x03abc", headers=headers, timeout=RUN_SECONDS)
    said = answer.json()
    assert (answer.status_code, said["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert (said["accepted"], said["offset"], said["bytes"]) == (2, len(sent), len(sent))
    assert "Malformed frame" in said["message"]
