"""Which data a working tree stands on, as DVC wrote it down: `dvc.lock` and `*.dvc` files become datasets.

DVC itself is not needed. The hashes are those of the files; whether the data on disk still has them, DVC alone can say.
With PyYAML its safe loader reads them, else `read_yaml`, which knows what DVC writes: block mappings and sequences,
plain and quoted scalars on one or more lines, and block scalars. What is more than that is skipped with a note.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import Any

# A repository with more files of DVC than this has them recorded up to here, with a note.
FILES_MAX = 200
DATASETS_MAX = 500
FILE_BYTES_MAX = 4 << 20
# Without git every folder is looked into, up to this many.
FOLDERS_MAX = 2_000
# MLflow's limits for a dataset's name and digest.
NAME_CHARS_MAX = 500
DIGEST_CHARS_MAX = 36

# Hashes that DVC writes, best first.
HASHES = ("md5", "etag", "checksum")


@dataclass(frozen=True)
class Dataset:
    """One output that DVC tracks. `source` is JSON: the file of DVC that says so, path, hash, size in bytes."""

    name: str
    digest: str
    source_type: str
    source: str


def datasets(root: str, files: list[str]) -> tuple[list[Dataset], list[str]]:
    """The datasets that the DVC files (relative to root) name, and notes on what could not be read. It never raises."""
    found: dict[str, Dataset] = {}
    notes: list[str] = []
    if len(files) > FILES_MAX:
        notes.append(f"{len(files)} files of DVC, the first {FILES_MAX} are recorded")
    for file in files[:FILES_MAX]:
        try:
            for dataset in outputs(file, load(os.path.join(root, file))):
                found.setdefault(dataset.name, dataset)
        except (OSError, ValueError) as problem:
            notes.append(f"{file}: {problem}")
    if len(found) > DATASETS_MAX:
        notes.append(f"{len(found)} datasets, the first {DATASETS_MAX} are recorded")
    return list(found.values())[:DATASETS_MAX], notes


def files_below(root: str) -> list[str]:
    """DVC's files below a folder, relative to it, for where git cannot list them."""
    found = []
    for visited, (folder, folders, names) in enumerate(os.walk(root)):
        if visited >= FOLDERS_MAX:
            break
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in ("node_modules", "__pycache__"))
        for name in sorted(names):
            if is_dvc_file(name):
                found.append(os.path.relpath(os.path.join(folder, name), root))
    return found


def is_dvc_file(path: str) -> bool:
    name = os.path.basename(path)
    return name == "dvc.lock" or (name.endswith(".dvc") and name != ".dvc")


def outputs(file: str, content: Any) -> list[Dataset]:
    """What a parsed DVC file says of its outputs; files of an older or newer form give what is understood."""
    if not isinstance(content, dict):
        raise ValueError("it is no mapping")
    if os.path.basename(file) != "dvc.lock":
        return entries(file, "", content.get("outs"))
    stages = content.get("stages")
    # Before DVC 2.0 the stages stood at the top.
    stages = stages if isinstance(stages, dict) else content
    found = []
    for stage, body in stages.items():
        if isinstance(body, dict):
            found += entries(file, str(stage), body.get("outs"))
    return found


def entries(file: str, stage: str, outs: Any) -> list[Dataset]:
    found = []
    for out in outs if isinstance(outs, list) else []:
        if not isinstance(out, dict) or not out.get("path"):
            continue
        digest = next((str(out[h]) for h in HASHES if out.get(h)), "")
        if not digest:
            continue
        path = os.path.normpath(os.path.join(os.path.dirname(file), str(out["path"])))
        source = {"file": file, "path": path, "hash": digest, "size": out.get("size"), "stage": stage}
        found.append(
            Dataset(
                name=path[:NAME_CHARS_MAX],
                digest=digest[:DIGEST_CHARS_MAX],
                source_type="dvc",
                source=json.dumps({k: v for k, v in source.items() if v not in (None, "")}),
            )
        )
    return found


def load(path: str) -> Any:
    """A YAML file, parsed; ValueError says what is wrong with it."""
    with open(path, encoding="utf-8") as file:
        text = file.read(FILE_BYTES_MAX + 1)
    if len(text) > FILE_BYTES_MAX:
        raise ValueError(f"longer than {FILE_BYTES_MAX} bytes")
    try:
        import yaml
    except ImportError:
        return read_yaml(text)
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as problem:
        raise ValueError(str(problem).replace("\n", " ")) from problem


# A line of YAML that counts: its indentation in spaces, and what stands behind it.
_Line = tuple[int, str]

# `key: value`, where the key may be quoted; the value may be absent.
_ENTRY = re.compile(
    r"""^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s'"\-\[{#&*!|>%@`][^#]*?|-[^\s#][^#]*?)\s*:(?:\s+(.*))?$"""
)
# Anchors, aliases, tags, flow collections and complex keys are not read.
_UNREAD = re.compile(r"^(?:[&*!%@`]|\[\s*[^\]\s]|\{\s*[^}\s]|\?\s)")
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "/": "/", "0": "\0", "r": "\r", " ": " "}
# Deeper than any file of DVC; Python's own stack shall not be what ends a hostile file.
_DEPTH_MAX = 50


def read_yaml(text: str) -> Any:
    """The value of a YAML text in the subset that the top of this file names; ValueError for anything else."""
    lines: list[_Line] = []
    for line in text.splitlines():
        if "\t" in line[: len(line) - len(line.lstrip())]:
            raise ValueError("a tab indents")
        lines.append((len(line) - len(line.lstrip(" ")), line.strip()))
    start = _next(lines, 0)
    if start < len(lines) and lines[start][1] == "---":
        lines[start] = (0, "")
    return _Reader(lines).document()


def _next(lines: list[_Line], at: int) -> int:
    """The next line that is neither empty nor a comment."""
    while at < len(lines) and (not lines[at][1] or lines[at][1].startswith("#")):
        at += 1
    return at


class _Reader:
    def __init__(self, lines: list[_Line]):
        self.lines = lines
        self.at = 0

    def document(self) -> Any:
        self.at = _next(self.lines, 0)
        if self.at == len(self.lines):
            return None
        value = self.block(0)
        self.at = _next(self.lines, self.at)
        if self.at < len(self.lines):
            raise ValueError(f"line {self.at + 1}: not understood: {self.lines[self.at][1][:60]!r}")
        return value

    def block(self, depth: int) -> Any:
        """The collection or scalar that begins at the present line."""
        if depth > _DEPTH_MAX:
            raise ValueError("nested too deeply")
        indent, text = self.lines[self.at]
        if text == "-" or text.startswith("- "):
            return self.sequence(indent, depth)
        if _ENTRY.match(text):
            return self.mapping(indent, depth)
        self.at += 1
        if text[0] in "|>":
            return self.block_scalar(text, indent - 2)
        return self.scalar(text, indent - 1)

    def sequence(self, indent: int, depth: int) -> list[Any]:
        items = []
        while self.more(indent) and (self.lines[self.at][1] == "-" or self.lines[self.at][1].startswith("- ")):
            rest = self.lines[self.at][1][1:]
            inner = rest.lstrip()
            if not inner or inner.startswith("#"):
                self.at += 1
                items.append(self.below(indent, depth))
                continue
            # The item begins on this line: read it as if it stood there alone.
            self.lines[self.at] = (indent + 1 + len(rest) - len(inner), inner)
            items.append(self.block(depth + 1))
        return items

    def mapping(self, indent: int, depth: int) -> dict[str, Any]:
        items: dict[str, Any] = {}
        while self.more(indent):
            entry = _ENTRY.match(self.lines[self.at][1])
            if not entry:
                raise ValueError(f"line {self.at + 1}: no key: {self.lines[self.at][1][:60]!r}")
            key, rest = str(_unquoted(entry[1])), (entry[2] or "").strip()
            self.at += 1
            if not rest or rest.startswith("#"):
                items[key] = self.below(indent, depth, sequence_too=True)
            elif rest[0] in "|>":
                items[key] = self.block_scalar(rest, indent)
            else:
                items[key] = self.scalar(rest, indent)
        return items

    def more(self, indent: int) -> bool:
        """Whether the next line that counts belongs to the collection of this indentation."""
        self.at = _next(self.lines, self.at)
        if self.at == len(self.lines) or self.lines[self.at][0] < indent:
            return False
        if self.lines[self.at][0] > indent:
            raise ValueError(f"line {self.at + 1}: indented without reason")
        return True

    def below(self, indent: int, depth: int, sequence_too: bool = False) -> Any:
        """What is indented deeper; a sequence below a key may stand as far left as the key."""
        at = _next(self.lines, self.at)
        if at == len(self.lines):
            return None
        deeper, text = self.lines[at]
        if deeper > indent or (sequence_too and deeper == indent and (text == "-" or text.startswith("- "))):
            self.at = at
            return self.block(depth + 1)
        return None

    def scalar(self, text: str, indent: int) -> Any:
        """A scalar and the lines it goes on over: those that are indented deeper."""
        if _UNREAD.match(text):
            raise ValueError(f"line {self.at}: not read without PyYAML: {text[:60]!r}")
        while self.at < len(self.lines) and self.lines[self.at][1] and self.lines[self.at][0] > indent:
            text += " " + self.lines[self.at][1]
            self.at += 1
        return _unquoted(text)

    def block_scalar(self, head: str, indent: int) -> str:
        body: list[_Line] = []
        while self.at < len(self.lines) and (not self.lines[self.at][1] or self.lines[self.at][0] > indent):
            body.append(self.lines[self.at])
            self.at += 1
        margin = min((i for i, text in body if text), default=0)
        parts = [" " * (i - margin) + text if text else "" for i, text in body]
        return ("\n" if head[0] == "|" else " ").join(parts).rstrip() + ("" if "-" in head else "\n")


def _unquoted(text: str) -> Any:
    """The value of a scalar: whole numbers as int, `true`, `false` and `null`, everything else as text."""
    if text.startswith('"'):
        end = re.match(r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$', text)
        if not end:
            raise ValueError(f"an open quote: {text[:60]!r}")
        return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], "\\" + m[1]), end[1])
    if text.startswith("'"):
        end = re.match(r"'((?:[^']|'')*)'\s*(?:#.*)?$", text)
        if not end:
            raise ValueError(f"an open quote: {text[:60]!r}")
        return end[1].replace("''", "'")
    text = re.split(r"\s#", text, maxsplit=1)[0].rstrip()
    if re.match(r"^[-+]?(?:0|[1-9][0-9]*)$", text):
        return int(text)
    words: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None, "{}": {}, "[]": []}
    return words.get(text, text)
