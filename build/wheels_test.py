"""Tests of wheels.py, as far as they need nothing but Python itself."""

import unittest
from collections.abc import Callable
from pathlib import Path

import wheels


def refusal(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except wheels.Unfit as error:
        return str(error)
    raise AssertionError("it was not refused")


class Wheels(unittest.TestCase):
    def test_a_tag_promises_no_older_glibc_than_the_files_ask_for(self) -> None:
        assert wheels.manylinux((2, 28), "x86_64") == "manylinux_2_28_x86_64"
        assert wheels.manylinux((2, 3, 4), "x86_64") == "manylinux_2_17_x86_64.manylinux2014_x86_64"
        assert wheels.manylinux((0,), "aarch64") == "manylinux_2_17_aarch64.manylinux2014_aarch64"

    def test_npms_versions_become_pythons(self) -> None:
        assert wheels.engine_version("26.7.3-stable.1") == "26.7.3.1"
        assert "26.7.3-rc.1" in refusal(lambda: wheels.engine_version("26.7.3-rc.1"))

    def test_only_glibc_itself_may_be_needed(self) -> None:
        for name in ("libc.so.6", "libpthread.so.0", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"):
            assert wheels.GLIBC.fullmatch(name), name
        for name in ("libstdc++.so.6", "libssl.so.3", "libcrypt.so.1", "libc.musl-x86_64.so.1"):
            assert not wheels.GLIBC.fullmatch(name), name

    def test_a_licence_stands_once_under_all_names(self) -> None:
        said = wheels.licences([("b 1", "MIT text"), ("c 2", "BSD text"), ("a 3", "MIT text\n")])
        assert said.count("MIT text") == 1
        assert "a 3\nb 1\n" in said
        assert said.index("MIT text") < said.index("BSD text")

    def test_licences_are_found_by_their_usual_names(self) -> None:
        for name in ("LICENSE", "LICENCE.md", "LICENSE-MIT", "License.txt", "COPYING", "NOTICE", "PATENTS"):
            assert wheels.LICENCE_FILE.fullmatch(name), name
        assert not wheels.LICENCE_FILE.fullmatch("licenses.go")

    def test_a_module_without_a_licence_is_refused(self) -> None:
        assert "example.org/module v1" in refusal(
            lambda: list(wheels.texts("example.org/module v1", Path(__file__).parent))
        )


if __name__ == "__main__":
    unittest.main()
