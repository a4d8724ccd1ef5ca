"""Runs one part of the tests, shows what fails, and keeps the counts; `total` adds the parts up.

    tests.py unit MODULE...       the Go modules' tests and the scripts' own
    tests.py faults MODULE...     the tests that kill and fill and break, and the counts that they end with
    tests.py compat PYTHON        MLflow's client against our server
    tests.py web FOLDER           the web page
    tests.py total PART...        the closing line; status 1 if anything failed or a part did not run

Needs nothing but Python itself. With STREAMGAUGE_FORBID_SKIPS set a skipped test fails the total.
"""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / ".build" / "results"
FAULTS_MINUTES = 20
FAULT = "TestFault"
LOGGED = re.compile(r"\s+\w+_test\.go:\d+: (.*)")
UNIT_MINUTES = 10
COMPAT_MINUTES = 25
WEB_MINUTES = 15


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: int = 0

    def add(self, other: "Count") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def go(module: str, packages: list[str], minutes: int) -> Count:
    """Runs `go test -json` and counts tests and subtests; a package that does not build counts as a failure."""
    command = ["go", "test", "-json", f"-timeout={minutes}m", *packages]  # flags may stand among the packages
    process = subprocess.Popen(command, cwd=ROOT / module, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    count = Count()
    output: dict[tuple[str, str], list[str]] = {}
    for line in process.stdout:
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            print(line, end="")
            continue
        take(event, count, output)
    if process.wait() != 0 and count.failed == 0:
        print(f"  {module}: go test ended with status {process.returncode}")
        count.failed = 1
    return count


def take(event: dict, count: Count, output: dict) -> None:
    """Takes one event of `go test -json` in and prints what a person wants to know of it."""
    package, test, action = event.get("Package") or event.get("ImportPath", ""), event.get("Test", ""), event["Action"]
    said = output.setdefault((package, test), [])
    if action in ("output", "build-output"):
        said.append(event["Output"])
        return
    if action not in ("pass", "fail", "skip"):
        return
    if test:
        count.passed += action == "pass"
        count.failed += action == "fail"
        count.skipped += action == "skip"
    elif action == "fail" and not any(p == package and t for p, t in output):
        count.failed += 1  # nothing in it ran: it does not build, or died at its start
    if action == "pass" and test.startswith(FAULT):
        tell(test, said)
    if action == "fail" or (action == "skip" and test):
        print("".join(output.get((event.get("FailedBuild", package), ""), []) if not test else said), end="")
    if not test and action != "skip":
        print(f"  {action} {package} {event.get('Elapsed', 0):.1f} s", flush=True)


def tell(test: str, said: list[str]) -> None:
    """Prints what a fault test ends with: its counts, and what it did."""
    for line in said:
        if found := LOGGED.fullmatch(line.rstrip()):
            print(f"  {test}: {found[1]}", flush=True)


def bounded(command: list[str], folder: Path, minutes: int) -> int:
    """Runs a test runner and gives its status; one that hangs is ended with all that it has started."""
    process = subprocess.Popen(command, cwd=folder, start_new_session=True)
    try:
        return process.wait(minutes * 60)
    except subprocess.TimeoutExpired:
        print(f"  {' '.join(command[:4])} ... did not end within {minutes} minutes")
        return 1
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def script(path: str) -> Count:
    """Runs a shell test that prints `ok NAME`, `FAIL NAME` or `skip NAME: why` a case."""
    done = subprocess.run(["sh", path], cwd=ROOT, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    passed, failed, skipped = (sum(line.startswith(word) for line in lines) for word in ("ok ", "FAIL ", "skip "))
    count = Count(passed, failed, skipped)
    if done.returncode != 0 and count.failed == 0:
        count.failed = 1
    if count.failed or count.skipped:
        print(done.stdout + done.stderr)
    return count


def scripts() -> Count:
    """Runs the tests of the Python scripts in build/, which need nothing but Python itself."""
    suite = unittest.defaultTestLoader.discover(str(ROOT / "build"), "*_test.py")
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=0).run(suite)
    failed = len(result.failures) + len(result.errors)
    return Count(result.testsRun - failed - len(result.skipped), failed, len(result.skipped))


def unit(*modules: str) -> Count:
    count = script("build/preflight_test.sh")
    count.add(script("build/compose_test.sh"))
    count.add(scripts())
    for module in modules:
        listed = subprocess.run(["go", "list", "./..."], cwd=ROOT / module, capture_output=True, text=True)
        packages = [p for p in listed.stdout.split() if not p.endswith("/faults")]
        if listed.returncode != 0:
            print(listed.stderr)
            count.failed += 1
        elif packages:
            count.add(go(module, [f"-skip=^{FAULT}", *packages], UNIT_MINUTES))
    return count


def faults(*modules: str) -> Count:
    """Runs a package `faults` whole, or the fault tests among a module's tests; SOAK says for how long, together."""
    minutes = FAULTS_MINUTES + 2 * soak_minutes(os.environ.get("SOAK", ""))
    count = Count()
    for module in modules:
        if (ROOT / module / "faults").is_dir():
            count.add(go(module, ["-count=1", "./faults"], minutes))
        else:
            count.add(go(module, ["-count=1", f"-run=^{FAULT}", "./..."], minutes))
    return count


def soak_minutes(text: str) -> int:
    """Minutes of a duration as Go writes it: 90m, 1h30m, 45s."""
    units = {"h": 60.0, "m": 1.0, "s": 1 / 60}
    parts = re.findall(r"([0-9.]+)([hms])", text)
    if "".join(n + unit for n, unit in parts) != text:
        sys.exit(f"SOAK={text} is no duration; want 30m or 4h")
    return math.ceil(sum(float(n) * units[unit] for n, unit in parts))


def compat(python: str) -> Count:
    report = RESULTS / "compat.xml"
    report.unlink(missing_ok=True)
    status = bounded([python, "-m", "pytest", "-q", "clients/python", f"--junitxml={report}"], ROOT, COMPAT_MINUTES)
    return junit(report, status)


def junit(report: Path, status: int) -> Count:
    """Counts a report of pytest, whose status says what the report cannot: that tests never ran."""
    if not report.exists():
        return Count(failed=1)
    count = Count()
    for suite in ET.parse(report).getroot().iter("testsuite"):
        tests, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        count.add(Count(tests - failed - skipped, failed, skipped))
    if status != 0 and count.failed == 0:
        print(f"  pytest ended with status {status} before all tests had run")
        count.failed = 1
    return count


def web(folder: str) -> Count:
    count = Count()
    for name, command in (("parts", "test"), ("page", "e2e")):
        report = RESULTS / f"web-{name}.json"
        report.unlink(missing_ok=True)
        flags = ["--reporter=default", "--reporter=json", f"--outputFile={report}"]
        status = bounded(["npm", "run", "--silent", command, "--", *flags], ROOT / folder, WEB_MINUTES)
        if not report.exists():
            count.failed += 1
            continue
        said = json.loads(report.read_text())
        failed = said["numFailedTests"] or int(status != 0)
        count.add(Count(said["numPassedTests"], failed, said["numPendingTests"] + said["numTodoTests"]))
    return count


def total(*parts: str) -> int:
    count, missing = Count(), []
    print()
    for part in parts:
        result = RESULTS / f"{part}.json"
        if not result.exists():
            missing.append(part)
            continue
        one = Count(**json.loads(result.read_text()))
        print(f"test-{part}: {one} in {one.seconds} s")
        count.add(one)
    for part in missing:
        print(f"test-{part} did not run to its end")
        count.failed += 1
    forbidden = count.skipped > 0 and bool(os.environ.get("STREAMGAUGE_FORBID_SKIPS"))
    if forbidden:
        print("skipped tests are not allowed here")
    print(count)
    return int(count.failed > 0 or count.passed == 0 or forbidden)


def main(arguments: list[str]) -> int:
    part, rest = arguments[0], arguments[1:]
    if part == "total":
        return total(*rest)
    RESULTS.mkdir(parents=True, exist_ok=True)
    result = RESULTS / f"{part}.json"
    result.unlink(missing_ok=True)
    started = time.monotonic()
    parts: dict[str, Callable[..., Count]] = {"unit": unit, "faults": faults, "compat": compat, "web": web}
    count = parts[part](*rest)
    count.seconds = round(time.monotonic() - started)
    result.write_text(json.dumps(asdict(count)))
    print(f"test-{part}: {count} in {count.seconds} s", flush=True)
    return int(count.failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
