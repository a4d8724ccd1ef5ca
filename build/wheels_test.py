"""Tests of wheels.py, as far as they need nothing but Python itself."""

import unittest
from pathlib import Path

import wheels


class Wheels(unittest.TestCase):
    def test_a_tag_promises_no_older_glibc_than_the_files_ask_for(self) -> None:
        self.assertEqual(wheels.manylinux((2, 28), "x86_64"), "manylinux_2_28_x86_64")
        self.assertEqual(wheels.manylinux((2, 3, 4), "x86_64"), "manylinux_2_17_x86_64.manylinux2014_x86_64")
        self.assertEqual(wheels.manylinux((0,), "aarch64"), "manylinux_2_17_aarch64.manylinux2014_aarch64")

    def test_npms_versions_become_pythons(self) -> None:
        self.assertEqual(wheels.engine_version("26.7.3-stable.1"), "26.7.3.1")
        with self.assertRaisesRegex(wheels.Unfit, "26.7.3-rc.1"):
            wheels.engine_version("26.7.3-rc.1")

    def test_only_glibc_itself_may_be_needed(self) -> None:
        for name in ("libc.so.6", "libpthread.so.0", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"):
            self.assertTrue(wheels.GLIBC.fullmatch(name), name)
        for name in ("libstdc++.so.6", "libssl.so.3", "libcrypt.so.1", "libc.musl-x86_64.so.1"):
            self.assertFalse(wheels.GLIBC.fullmatch(name), name)

    def test_a_licence_stands_once_under_all_names(self) -> None:
        said = wheels.licences([("b 1", "MIT text"), ("c 2", "BSD text"), ("a 3", "MIT text\n")])
        self.assertEqual(said.count("MIT text"), 1)
        self.assertIn("a 3\nb 1\n", said)
        self.assertLess(said.index("MIT text"), said.index("BSD text"))

    def test_licences_are_found_by_their_usual_names(self) -> None:
        for name in ("LICENSE", "LICENCE.md", "LICENSE-MIT", "License.txt", "COPYING", "NOTICE", "PATENTS"):
            self.assertTrue(wheels.LICENCE_FILE.fullmatch(name), name)
        self.assertFalse(wheels.LICENCE_FILE.fullmatch("licenses.go"))

    def test_a_module_without_a_licence_is_refused(self) -> None:
        with self.assertRaisesRegex(wheels.Unfit, "example.org/module v1"):
            list(wheels.texts("example.org/module v1", Path(__file__).parent))


if __name__ == "__main__":
    unittest.main()
