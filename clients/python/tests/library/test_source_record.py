"""Where a run comes from is found out, bounded, and without secrets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from streamgauge import _source

from .recorder import Recorder


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A working tree with one commit on branch `work`."""
    git(tmp_path, "init", "-q", "-b", "work")
    (tmp_path / "train.py").write_text("lr = 0.1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_commit_branch_and_remote_without_password(tree: Path) -> None:
    git(tree, "remote", "add", "origin", "https://me:word@example.org/r.git")
    (tree / "below").mkdir()
    source = _source.code_and_data(str(tree / "below"))
    assert source.tags == {
        "mlflow.source.git.commit": git(tree, "rev-parse", "HEAD"),
        "mlflow.source.git.branch": "work",
        "mlflow.source.git.repoURL": "https://example.org/r.git",
        "mlflow.source.git.dirty": "false",
    }
    assert source.files == {}


def test_changes_are_a_tag_and_a_file(tree: Path) -> None:
    (tree / "train.py").write_text("lr = 0.2\n")
    source = _source.code_and_data(str(tree))
    patch = source.files["source/diff.patch"].decode()
    assert "-lr = 0.1\n+lr = 0.2\n" in patch
    assert source.tags["mlflow.source.git.diff"] == patch
    assert source.tags["mlflow.source.git.dirty"] == "true"


def test_staged_changes_count_and_a_hostile_diff_program_is_not_run(tree: Path) -> None:
    git(tree, "config", "diff.external", f"touch {tree}/ran")
    (tree / "train.py").write_text("lr = 0.3\n")
    git(tree, "add", "train.py")
    assert "+lr = 0.3" in _source.diff(str(tree))
    assert not (tree / "ran").exists()


def test_a_huge_diff_is_cut_at_a_line(tree: Path) -> None:
    (tree / "train.py").write_text("x = 'é'\n" * 400_000)
    source = _source.code_and_data(str(tree))
    patch = source.files["source/diff.patch"].decode()
    assert len(patch.encode()) <= _source.DIFF_BYTES_MAX
    assert patch.endswith("+x = 'é'\n# cut here: the rest is too long\n")
    assert len(source.tags["mlflow.source.git.diff"].encode()) <= _source.TAG_CHARS_MAX


def test_changes_of_files_of_secrets_stay_here(tree: Path) -> None:
    for name in (".env", "below/.ENV.local", "server.key"):
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text("A=1\n")
    git(tree, "add", "-f", ".")
    git(tree, "commit", "-q", "-m", "second")
    for name in (".env", "below/.ENV.local", "server.key"):
        (tree / name).write_text("A=hidden\n")
    assert _source.diff(str(tree)) == ""


def test_no_commit_yet_and_no_repository(tmp_path: Path) -> None:
    assert _source.code_and_data(str(tmp_path)).tags == {}
    git(tmp_path, "init", "-q", "-b", "work")
    assert _source.code_and_data(str(tmp_path)).tags == {
        "mlflow.source.git.branch": "work",
        "mlflow.source.git.dirty": "false",
    }


def test_without_git_the_run_goes_on(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    source = _source.collect(str(tree))
    assert "mlflow.source.git.commit" not in source.tags
    assert source.tags["streamgauge.host"]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--token", "abc"], ["--token", "***"]),
        (["--hf-token=abc", "--lr=3"], ["--hf-token=***", "--lr=3"]),
        (["db_password=x y"], ["db_password=***"]),
        (["--api-key", "--verbose"], ["--api-key", "--verbose"]),
        (["--max-tokens", "512", "--seed", "1"], ["--max-tokens", "512", "--seed", "1"]),
        (["https://me:word@host/x"], ["https://***@host/x"]),
        (["hf_" + "a" * 34], ["***"]),
        (["git@host:r.git"], ["git@host:r.git"]),
    ],
)
def test_secrets_leave_the_command_line(words: list[str], shown: list[str]) -> None:
    assert _source.without_secret_arguments(words) == shown


def test_secrets_leave_a_diff_and_its_lines_stay() -> None:
    told = "+API_KEY = \"abc\"\n+conf = {'password': 'it''s'}\n+key = AKIAABCDEFGHIJKLMNOP\n+loss = 'mse'\n"
    kept = _source.without_secrets(told)
    assert kept == "+API_KEY = \"***\"\n+conf = {'password': '***''s'}\n+key = ***\n+loss = 'mse'\n"


def test_packages_are_as_pip_says() -> None:
    command = [sys.executable, "-m", "pip", "list", "--format=freeze"]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    assert sorted(map(str.lower, _source.packages())) == sorted(map(str.lower, said.stdout.splitlines()))


def test_a_run_gets_tags_and_files(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET", "do not tell")
    monkeypatch.setattr(_source, "code_folder", lambda: str(tree))
    (tree / "train.py").write_text("lr = 0.2\n")
    (tree / "data.csv.dvc").write_text("outs:\n- md5: 22a1a2931c8370d3aeedd7183606fd7f\n  size: 14\n  path: data.csv\n")
    run: Any = Recorder()
    _source.start(run, None)
    assert run.tags["streamgauge.dvc.data.csv"] == "22a1a2931c8370d3aeedd7183606fd7f"
    assert run.tags["mlflow.source.git.branch"] == "work"
    assert run.tags["streamgauge.python"] == ".".join(map(str, sys.version_info[:3]))
    assert sorted(run.files) == ["source/diff.patch", "source/requirements.txt"]
    assert "do not tell" not in str(run.tags) + str(run.files)
    assert run.warnings == []


def test_a_run_that_takes_no_files_any_more_keeps_the_tags(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended(Recorder):
        def _append_artifact(self, path: str, content: Any, media_type: str) -> Any:
            raise OSError("no room")

    run: Any = Ended()
    monkeypatch.setattr(_source, "code_folder", lambda: str(tree))
    _source.start(run, None)
    assert run.tags["mlflow.source.git.branch"] == "work"
    assert run.warnings == ["not recorded: source/requirements.txt: no room"]
