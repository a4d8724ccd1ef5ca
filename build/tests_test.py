"""What `tests.py` makes of the outcomes of test runners; run by `tests.py unit`."""

import tempfile
import unittest
from pathlib import Path

import tests

REPORT = '<testsuites><testsuite tests="{}" failures="{}" errors="{}" skipped="{}"/></testsuites>'


class JUnit(unittest.TestCase):
    def test_counts(self) -> None:
        aborted, interrupted, none_collected = 2, 2, 5
        for name, report, status, want in (
            ("all passed", (3, 0, 0, 0), 0, tests.Count(3)),
            ("failures, errors and skips are told apart", (9, 1, 2, 3), 1, tests.Count(3, 3, 3)),
            ("a fixture ended the session before all had run", (194, 0, 0, 0), aborted, tests.Count(194, 1)),
            ("a failure and an end count once", (5, 1, 0, 0), interrupted, tests.Count(4, 1)),
            ("nothing ran", (0, 0, 0, 0), none_collected, tests.Count(0, 1)),
            ("no report", None, 1, tests.Count(0, 1)),
        ):
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "report.xml"
                if report:
                    path.write_text(REPORT.format(*report))
                assert tests.junit(path, status) == want, name


class Faults(unittest.TestCase):
    def test_a_soak_is_a_duration_as_go_writes_it(self) -> None:
        for text, want in (("", 0), ("45s", 1), ("90m", 90), ("1h30m", 90), ("1.5h", 90)):
            with self.subTest(text):
                assert tests.soak_minutes(text) == want
        for text in ("long", "4", "h4", "1h x"):
            with self.subTest(text), self.assertRaises(SystemExit):  # noqa: PT027 - run by unittest
                tests.soak_minutes(text)
