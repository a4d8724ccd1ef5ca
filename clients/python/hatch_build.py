"""How hatchling makes the wheels of `make wheel`; the package of the engine, deploy/engine/wheel, uses it too.

Without the environment that `build/wheels.py` sets, this changes nothing: what comes out is the library alone, for
every platform. That is what `pip install` of this folder, an editable install and the source distribution give.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# A folder with what goes into the wheel beside the package, laid out as it will be installed; the tag; the version.
STAGE, TAG, VERSION = "STREAMGAUGE_WHEEL_STAGE", "STREAMGAUGE_WHEEL_TAG", "STREAMGAUGE_WHEEL_VERSION"


def version() -> str:
    """The version that was given, else the library's own."""
    given = os.environ.get(VERSION)
    if given:
        return given
    source = Path(__file__).with_name("src") / "streamgauge" / "_version.py"
    found = re.search(r'^__version__ = "(.+)"$', source.read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"{source} has no __version__")
    return found[1]


class Staged(BuildHookInterface):
    """Adds the staged files, which replace the package's own of the same name, and names the platform."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        stage = os.environ.get(STAGE)
        if not stage or version == "editable":
            return
        build_data["pure_python"] = False
        build_data["tag"] = os.environ[TAG]
        files = sorted(file for file in Path(stage).rglob("*") if file.is_file())
        if not files:
            raise ValueError(f"{STAGE}: there are no files in {stage}")
        for file in files:
            build_data["force_include"][str(file)] = file.relative_to(stage).as_posix()
