"""Where a run comes from: code, command, machine, packages and data, as a run records them at its start.

Nothing here raises: what cannot be found out is left out, and `Source.notes` says why. Environment variables are never
recorded. Passwords and tokens are taken out of the command line, of the address of the repository, and of the diff as
far as they can be told by their names or their form.

`collect` starts git up to four times and reads the metadata of every installed package: some 50 to 300 ms. It may run
in any thread.
"""

from __future__ import annotations

import getpass
import os
import platform
import re
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from ._dvc import Dataset, datasets, files_below

if TYPE_CHECKING:
    from ._run import Run
    from ._settings import Settings

# A longer diff is cut at a line, with a line that says so.
DIFF_BYTES_MAX = 1 << 20
# What MLflow takes as the value of a tag.
TAG_CHARS_MAX = 8_000
PACKAGES_MAX = 2_000
COMMAND_CHARS_MAX = 4_000
# Git on a slow network disk shall not hold up a training.
GIT_SECONDS_MAX = 10.0
GPUS_MAX = 64

# The folder below a run's artifacts that has the files of `Source`.
FOLDER = "source"


@dataclass
class Source:
    """What is known of a run's origin.

    `tags` have MLflow's names where it has one, else `streamgauge.*`, each at most TAG_CHARS_MAX. `files` are artifacts
    by path below the run's artifact root. `datasets` are what DVC's files name. `notes` say what was left out.
    """

    tags: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    datasets: list[Dataset] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def start(run: Run, settings: Settings) -> None:
    """Records everything on a run: tags, and files below its artifacts' folder FOLDER."""
    source = collect()
    run._set_tags({**source.tags, **dataset_tags(source.datasets)})
    for path, content in source.files.items():
        try:
            run._append_artifact(path, content, "text/plain")
        except OSError as problem:  # the run has ended, or there is no room
            source.notes.append(f"{path}: {problem}")
    for note in source.notes:
        run._warn("source: " + note, "not recorded: " + note)


# Tags of one run for DVC's datasets; the others are in the files of DVC, which the commit names.
DATASET_TAGS_MAX = 100
_TAG_KEY_CHARS_MAX = 250
_NOT_IN_TAG_KEYS = re.compile(r"[^\w .:/-]")


def dataset_tags(found: list[Dataset]) -> dict[str, str]:
    """A tag `streamgauge.dvc.PATH` with the hash for each dataset; what a key may not hold becomes `_`."""
    return {
        _NOT_IN_TAG_KEYS.sub("_", "streamgauge.dvc." + dataset.name)[:_TAG_KEY_CHARS_MAX]: dataset.digest
        for dataset in found[:DATASET_TAGS_MAX]
    }


def collect(start: str | None = None) -> Source:
    """Everything, for a run that starts now. `start` is a folder of the code, by default that of the entry script."""
    source = Source()
    for part in (_machine, _command, _packages):
        _guarded(source, part)
    _guarded(source, lambda s: code(s, start or code_folder()))
    source.tags = {key: value[:TAG_CHARS_MAX] for key, value in source.tags.items() if value}
    return source


def code_and_data(start: str | None = None) -> Source:
    """Git and DVC alone, for runs whose other tags someone else makes."""
    source = Source()
    _guarded(source, lambda s: code(s, start or code_folder()))
    source.tags = {key: value[:TAG_CHARS_MAX] for key, value in source.tags.items() if value}
    return source


def _guarded(source: Source, part: Callable[[Source], None]) -> None:
    try:
        part(source)
    except Exception as problem:  # whatever a strange machine does, the training goes on
        source.notes.append(f"{type(problem).__name__}: {problem}")


# Git and DVC.


def code(source: Source, start: str) -> None:
    """Commit, branch, remote, diff and DVC's datasets of the working tree that holds the folder `start`."""
    root = _git(start, "rev-parse", "--show-toplevel")
    if not root:
        _data(source, start, files_below(start) if os.path.isdir(os.path.join(start, ".dvc")) else [])
        return
    source.tags["mlflow.source.git.commit"] = _git(root, "rev-parse", "HEAD")
    source.tags["mlflow.source.git.branch"] = _git(root, "symbolic-ref", "--short", "-q", "HEAD")
    source.tags["mlflow.source.git.repoURL"] = without_credentials(_git(root, "config", "--get", "remote.origin.url"))
    patch = diff(root)
    source.tags["mlflow.source.git.dirty"] = "true" if patch else "false"
    if patch:
        source.files[f"{FOLDER}/diff.patch"] = patch.encode()
        source.tags["mlflow.source.git.diff"] = _cut(patch, TAG_CHARS_MAX)
    listed = _git(
        root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.dvc", "dvc.lock", "*/dvc.lock"
    )
    _data(source, root, sorted(set(filter(None, listed.split("\0")))))


def _data(source: Source, root: str, files: list[str]) -> None:
    source.datasets, notes = datasets(root, files)
    source.notes += notes


# Files whose changes are not for others.
SECRET_FILES = (
    ".env",
    ".env.*",
    "*.pem",
    "*.key",
    "id_rsa*",
    "id_ed25519*",
    ".netrc",
    ".pypirc",
    "credentials*",
    "secrets*",
)


def diff(root: str) -> str:
    """Changes of tracked files against HEAD, without those of SECRET_FILES, at most DIFF_BYTES_MAX."""
    hidden = [f":(exclude,icase,glob)**/{name}" for name in SECRET_FILES]
    text = _git(root, "diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD", "--", ".", *hidden, strip=False)
    return without_secrets(_cut(text, DIFF_BYTES_MAX))


def _cut(text: str, limit: int) -> str:
    """At most limit bytes of a text, in whole lines; the last one says that something is missing."""
    data = text.encode()
    if len(data) <= limit:
        return text
    last = "# cut here: the rest is too long\n"
    kept = data[: limit - len(last)].decode(errors="ignore")
    return kept[: kept.rfind("\n") + 1] + last


def _git(folder: str, *arguments: str, strip: bool = True) -> str:
    """What git prints, or "" where there is no git, no repository or no answer in time."""
    command = ["git", "-C", folder, "-c", "core.fsmonitor=false", "-c", "core.quotepath=off", *arguments]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    said, status = _output(command, DIFF_BYTES_MAX + 1, environment)
    # A process that was ended because its output was enough has no status 0, and its output counts.
    if status != 0 and len(said) <= DIFF_BYTES_MAX:
        return ""
    text = said.decode("utf-8", "replace")
    return text.strip() if strip else text


def _output(command: list[str], limit: int, environment: dict[str, str] | None = None) -> tuple[bytes, int]:
    """At most limit bytes of what a command prints in GIT_SECONDS_MAX, and its status; -1 if it cannot be started."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
    except OSError:
        return b"", -1
    alarm = threading.Timer(GIT_SECONDS_MAX, process.kill)
    alarm.daemon = True
    alarm.start()
    try:
        assert process.stdout
        with process.stdout as out:
            said = out.read(limit)
        if len(said) >= limit:
            process.kill()
        return said, process.wait()
    finally:
        alarm.cancel()


# Command, machine, packages.


def code_folder() -> str:
    """The folder of the entry script, or the working folder."""
    script = entry_script()
    return os.path.dirname(os.path.abspath(script)) if os.path.isfile(script) else os.getcwd()


def entry_script() -> str:
    """The file that Python was started with; in a notebook the name of its kernel, at a prompt ""."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    return main or (sys.argv[0] if sys.argv else "")


def _command(source: Source) -> None:
    script = entry_script()
    source.tags["mlflow.source.name"] = script or os.path.basename(sys.executable)
    source.tags["mlflow.source.type"] = "NOTEBOOK" if "ipykernel" in sys.modules else "LOCAL"
    words = list(getattr(sys, "orig_argv", None) or [sys.executable, *sys.argv])
    source.tags["streamgauge.command"] = shlex.join(without_secret_arguments(words))[:COMMAND_CHARS_MAX]
    source.tags["streamgauge.folder"] = os.getcwd()


def _machine(source: Source) -> None:
    source.tags["mlflow.user"] = user()
    source.tags["streamgauge.host"] = socket.gethostname()
    source.tags["streamgauge.python"] = platform.python_version()
    source.tags["streamgauge.platform"] = platform.platform()
    source.tags["streamgauge.cpus"] = str(os.cpu_count() or "")
    names = gpus()
    if names:
        source.tags["streamgauge.gpus"] = ", ".join(names)


def user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a user id without a name, as in many containers
        return str(os.getuid()) if hasattr(os, "getuid") else ""


def gpus() -> list[str]:
    """The names of NVIDIA's devices: from the driver's own files, else from nvidia-smi."""
    names = []
    for file in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))[:GPUS_MAX]:
        model = re.search(r"^Model:\s*(.+)$", file.read_text(errors="replace"), re.MULTILINE)
        names.append(model[1].strip() if model else "unknown")
    if names:
        return names
    said, status = _output(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], 64 << 10)
    if status != 0:
        return []
    return [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()][:GPUS_MAX]


def _packages(source: Source) -> None:
    lines = packages()
    if len(lines) > PACKAGES_MAX:
        source.notes.append(f"{len(lines)} packages, the first {PACKAGES_MAX} are recorded")
    source.files[f"{FOLDER}/requirements.txt"] = ("\n".join(lines[:PACKAGES_MAX]) + "\n").encode()


def packages() -> list[str]:
    """The installed packages as `pip freeze` shows them, without the addresses of those that came from one."""
    from importlib.metadata import distributions

    found: dict[str, str] = {}
    for distribution in distributions():
        name = distribution.metadata["Name"]
        if name:
            # The first on the path is the one that is imported.
            found.setdefault(name.lower(), f"{name}=={distribution.version}")
    return [found[name] for name in sorted(found)]


# Secrets.

MASK = "***"
_SECRET_NAME = (
    # "tokens" is a number in most trainings.
    r"[\w.-]*(?:pass(?:words?|wd|phrase)|secrets?|token|api[-_]?keys?|access[-_]?keys?|private[-_]?keys?|credentials?)"
)
_SECRET_OPTION = re.compile(rf"^-{{0,2}}{_SECRET_NAME}$", re.IGNORECASE)
_SECRET_ASSIGNED = re.compile(rf"^(-{{0,2}}{_SECRET_NAME}=).+$", re.IGNORECASE | re.DOTALL)
# Quoted or long values behind a telling name, and tokens whose form tells.
_SECRET_IN_TEXT = re.compile(rf"""(?i)(\b{_SECRET_NAME}["']?\s*[:=]\s*)(["'])(?:(?!\2)[^\n\\]|\\.)+\2""")
_SECRET_FORMS = re.compile(
    r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}|hf_[A-Za-z0-9]{30,}"
    r"|sk-[\w-]{20,}|xox[abprs]-[\w-]{10,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+)"
)
_ADDRESS_USER = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s@'\"]+@", re.IGNORECASE)


def without_credentials(address: str) -> str:
    """The address of a repository without user and password; `git@host:path` has none and stays."""
    if "://" not in address:
        return address
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def without_secret_arguments(words: list[str]) -> list[str]:
    """A command line with the values of secret options masked: `--token X`, `--token=X`, `password=X`."""
    kept: list[str] = []
    for word in words:
        if kept and kept[-1].startswith("-") and _SECRET_OPTION.match(kept[-1]) and not word.startswith("-"):
            kept.append(MASK)
            continue
        kept.append(without_secrets(_SECRET_ASSIGNED.sub(rf"\g<1>{MASK}", word)))
    return kept


def without_secrets(text: str) -> str:
    """A text with what looks like a password or token masked; its lines stay as many as they were."""
    text = _ADDRESS_USER.sub(rf"\g<1>{MASK}@", text)
    text = _SECRET_IN_TEXT.sub(rf"\g<1>\g<2>{MASK}\g<2>", text)
    return _SECRET_FORMS.sub(MASK, text)
