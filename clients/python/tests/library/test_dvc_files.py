"""DVC's files become datasets, with PyYAML and without it alike."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from streamgauge import _dvc, _source

LOCK = """\
schema: '2.0'
stages:
  prepare:
    cmd: python src/prepare.py data/data.xml --with-a-very-long-option and-a-value
      --and more
    deps:
    - path: data/data.xml
      hash: md5
      md5: 22a1a2931c8370d3aeedd7183606fd7f
      size: 14445097
    params:
      params.yaml:
        prepare.seed: 20170428
        none:
        words:
        - a
        - -2
        - 'it''s'
        empty: []
    outs:
    - path: data/prepared
      hash: md5
      md5: 153aad06d376b6595932470e459ef42a.dir
      size: 8437363
      nfiles: 2
  train@0:   # a stage of a matrix
    cmd:
    - echo "a"
    - |-
      two
        lines
    - >
      folded
      lines
    outs:
      -   path: "model \\"a\\".pkl"
          etag: 'abc'
          cache: false
      - path: without a hash
"""


def test_the_small_reader_agrees_with_pyyaml() -> None:
    assert _dvc.read_yaml(LOCK) == yaml.safe_load(LOCK)


@pytest.mark.parametrize(
    "text",
    [
        "a: &x 1",
        "a: *x",
        "a: !!python/object:os.system 1",
        "a: [1, 2]",
        "a: {b: 1}",
        "\ta: 1",
        '"open',
        "a:\n   b: 1\n  c: 2",
    ],
)
def test_what_the_small_reader_does_not_know_it_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"not read without|tab|open quote|without reason"):
        _dvc.read_yaml(text)


def test_a_hostile_depth_is_an_error_not_a_crash() -> None:
    with pytest.raises(ValueError, match="deep"):
        _dvc.read_yaml("- " * 5_000 + "a")


@pytest.mark.parametrize("reader", [_dvc.read_yaml, yaml.safe_load])
def test_outputs_of_stages_are_datasets(reader: object) -> None:
    found = _dvc.outputs("sub/dvc.lock", reader(LOCK))  # type: ignore[operator]
    assert [(d.name, d.digest, d.source_type) for d in found] == [
        ("sub/data/prepared", "153aad06d376b6595932470e459ef42a.dir", "dvc"),
        ('sub/model "a".pkl', "abc", "dvc"),
    ]
    assert json.loads(found[0].source) == {
        "file": "sub/dvc.lock",
        "path": "sub/data/prepared",
        "hash": "153aad06d376b6595932470e459ef42a.dir",
        "size": 8437363,
        "stage": "prepare",
    }


def test_files_of_a_working_tree(tmp_path: Path) -> None:
    for command in (["init", "-q"], ["config", "core.excludesFile", ""]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    (tmp_path / "sub" / ".dvc").mkdir(parents=True)
    (tmp_path / "sub" / "ignored").mkdir()
    (tmp_path / ".gitignore").write_text("ignored/\n")
    (tmp_path / "sub" / "dvc.lock").write_text(LOCK)
    (tmp_path / "sub" / "raw.csv.dvc").write_text("outs:\n- md5: abc\n  path: raw.csv\n")
    (tmp_path / "sub" / "broken.dvc").write_text("outs: [1\n")
    (tmp_path / "sub" / "ignored" / "other.dvc").write_text("outs:\n- md5: abc\n  path: other\n")
    source = _source.code_and_data(str(tmp_path / "sub"))
    assert [d.name for d in source.datasets] == ["sub/data/prepared", 'sub/model "a".pkl', "sub/raw.csv"]
    assert len(source.notes) == 1
    assert source.notes[0].startswith("sub/broken.dvc: ")


def test_a_project_without_git(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "raw.dvc").write_text("outs:\n- md5: abc\n  path: raw\n")
    assert [d.name for d in _source.code_and_data(str(tmp_path)).datasets] == ["raw"]


def test_many_files_are_bounded_with_a_note(tmp_path: Path) -> None:
    names = [f"{i:03}.dvc" for i in range(_dvc.FILES_MAX + 5)]
    for name in names:
        (tmp_path / name).write_text(f"outs:\n- md5: abc\n  path: '{name[:3]}'\n")
    found, notes = _dvc.datasets(str(tmp_path), names)
    assert len(found) == _dvc.FILES_MAX
    assert notes == [f"{_dvc.FILES_MAX + 5} files of DVC, the first {_dvc.FILES_MAX} are recorded"]
