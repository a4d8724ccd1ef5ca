"""Builds the wheels of `make wheel`: the library with the program in it, and the engine's package.

    wheels.py FOLDER VERSION      puts both into FOLDER, in place of those that were there

Runs in .build/venv, after `make build engine`. Decision 024 says what is in the wheels and why there are two.
"""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "clients" / "python"
WEB = ROOT / "dashboards" / "web"
ENGINE = ROOT / "deploy" / "engine"
PROGRAM = ROOT / "bin" / "streamgauge"
# What the demo runs, and finds by its place beside the program as in a checkout.
EXAMPLES = ("demo.py", "wine/train.py", "distributed/train.py")
# The libraries that are glibc; a wheel whose files need others would not work everywhere.
GLIBC = re.compile(r"(ld-linux[\w-]*|lib(c|m|dl|rt|pthread|util|resolv))\.so\.\d+")
# Nothing older is tested or served by the packages of others, and Go needs its kernel.
GLIBC_FLOOR = (2, 17)
LICENCE_FILE = re.compile(r"(licen[cs]e|copying|notice|patents)([.-].*)?", re.IGNORECASE)
LICENCES_SQL = "SELECT library_name, license_type, license_text FROM system.licenses ORDER BY 1, 2, 3"


class Unfit(Exception):
    """Something that cannot become a wheel; the text says what."""


def main(folder: Path, version: str) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        wheels = [build_library(folder, version), build_engine(folder)]
    except Unfit as error:
        print(f"make wheel: {error}", file=sys.stderr)
        return 1
    for wheel in wheels:
        print(f"  {wheel.stat().st_size / 1e6:6.1f} MB  {wheel.relative_to(ROOT)}")
    print(f"  pip install --no-index --find-links {folder} 'streamgauge[server]'")
    return 0


def build_library(folder: Path, version: str) -> Path:
    said = json.loads(subprocess.check_output([PROGRAM, "version", "--json"]))
    if said["version"] != version:
        raise Unfit(f"{PROGRAM} is version {said['version']}, not {version}: run `make build`")
    with staging(folder) as stage:
        package = Path(stage) / "streamgauge"
        bundle = package / "_bundle"
        place(PROGRAM, bundle / "bin" / PROGRAM.name)
        for example in EXAMPLES:
            place(ROOT / "examples" / example, bundle / "examples" / example)
        (bundle / "LICENSES.txt").write_text(licences([*go_licences(), *web_licences()]))
        (package / "_version.py").write_text(f'__version__ = "{version}"\n')
        return build(LIBRARY, "streamgauge", Path(stage), folder, version)


def build_engine(folder: Path) -> Path:
    """The engine's wheel; the one that is there, if nothing that it is made of is newer."""
    library = next(iter(sorted(ENGINE.glob("node_modules/@chdb/*/libchdb.*"))), None)
    if library is None:
        raise Unfit("the engine is not there: run `make engine`")
    about = library.with_name("package.json")
    version = engine_version(json.loads(about.read_text())["version"])
    sources = [library, about, LIBRARY / "hatch_build.py", Path(__file__), *files(ENGINE / "wheel")]
    made = list(folder.glob(f"streamgauge_engine-{version}-*.whl"))
    if made and made[0].stat().st_mtime > max(source.stat().st_mtime for source in sources):
        return made[0]
    with staging(folder) as stage:
        package = Path(stage) / "streamgauge_engine"
        for file in (library, about):
            place(file, package / file.relative_to(ENGINE))
        (package / "LICENSES.txt").write_text(licences(engine_licences(library, folder)))
        return build(ENGINE / "wheel", "streamgauge_engine", Path(stage), folder, version)


def build(project: Path, name: str, stage: Path, folder: Path, version: str) -> Path:
    """Runs hatchling; gives the only wheel of the name that is then in the folder."""
    for old in folder.glob(f"{name}-*.whl"):
        old.unlink()
    settings = {
        "STREAMGAUGE_WHEEL_STAGE": str(stage),
        "STREAMGAUGE_WHEEL_TAG": f"py3-none-{platform_tag(files(stage))}",
        "STREAMGAUGE_WHEEL_VERSION": version,
    }
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=project, env={**os.environ, **settings}, capture_output=True, text=True)
    made = list(folder.glob(f"{name}-*.whl"))
    if done.returncode != 0 or len(made) != 1:
        raise Unfit(f"hatchling made no wheel of {project.relative_to(ROOT)}:\n{done.stdout}{done.stderr}")
    return made[0]


def staging(folder: Path) -> "tempfile.TemporaryDirectory[str]":
    """A folder on the same disk, so that the engine need not be copied."""
    return tempfile.TemporaryDirectory(prefix=".stage-", dir=folder)


def place(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def engine_version(npm: str) -> str:
    """npm's 26.7.3-stable.1 as Python's packages write it: 26.7.3.1."""
    found = re.fullmatch(r"(\d+(?:\.\d+)*)-stable\.(\d+)", npm)
    if found is None:
        raise Unfit(f"the engine's version {npm} is not of the form 1.2.3-stable.4")
    return f"{found[1]}.{found[2]}"


def platform_tag(staged: Iterable[Path]) -> str:
    """The platforms on which the staged files run, as far as they say so themselves."""
    if sys.platform != "linux":
        from packaging import tags

        return next(iter(tags.platform_tags()))
    return manylinux(max((glibc_needed(file) for file in staged), default=GLIBC_FLOOR), platform.machine())


def manylinux(glibc: tuple[int, ...], machine: str) -> str:
    major, minor = max(glibc, GLIBC_FLOOR)
    tag = f"manylinux_{major}_{minor}_{machine}"
    # The pip that came with the first Python 3.9 knows only the old name of this one.
    return f"{tag}.manylinux2014_{machine}" if (major, minor) == (2, 17) else tag


def glibc_needed(file: Path) -> tuple[int, ...]:
    """The newest version of glibc that an ELF file asks for, (0,) for other files."""
    from elftools.elf.elffile import ELFFile
    from elftools.elf.gnuversions import GNUVerNeedSection

    with file.open("rb") as stream:
        if stream.read(4) != b"\x7fELF":
            return (0,)
        stream.seek(0)
        elf = ELFFile(stream)
        foreign = [lib for lib in needed(elf) if not GLIBC.fullmatch(lib)]
        if foreign:
            raise Unfit(f"{file.name} needs {', '.join(foreign)}, which is not on every Linux")
        needs = [section for section in elf.iter_sections() if isinstance(section, GNUVerNeedSection)]
        names = [aux.name for section in needs for _, asked in section.iter_versions() for aux in asked]
    versions = [name[len("GLIBC_") :].split(".") for name in names if name.startswith("GLIBC_")]
    return max((tuple(map(int, version)) for version in versions), default=(0,))


def needed(elf) -> list[str]:
    dynamic = elf.get_section_by_name(".dynamic")
    return [tag.needed for tag in dynamic.iter_tags("DT_NEEDED")] if dynamic else []


def licences(of: Iterable[tuple[str, str]]) -> str:
    """One text of pairs (what, licence): each licence once, under the names of all that have it."""
    names: dict[str, set[str]] = {}
    for what, text in of:
        names.setdefault(text.strip(), set()).add(what)
    ordered = sorted(((sorted(whats), text) for text, whats in names.items()), key=lambda pair: pair[0])
    return "".join(f"{'=' * 100}\n{chr(10).join(whats)}\n{'-' * 100}\n\n{text}\n\n" for whats, text in ordered)


def go_licences() -> Iterable[tuple[str, str]]:
    """The licences of Go and of the modules that are compiled into the program, but our own."""
    form = "{{with .Module}}{{if not (or .Main .Replace)}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}"
    listed = go("list", "-deps", "-f", form, "./streamgauge").splitlines()
    modules = {tuple(line.split("\t")) for line in listed if line}
    for what, folder in [("Go", go("env", "GOROOT").strip()), *sorted(modules)]:
        yield from texts(what, Path(folder))


def go(*arguments: str) -> str:
    environment = {**os.environ, "GOWORK": "off", "CGO_ENABLED": "0"}
    return subprocess.check_output(["go", *arguments], cwd=ROOT / "cmd", env=environment, text=True)


def web_licences() -> Iterable[tuple[str, str]]:
    """The licences of the packages that the web page is bundled with."""
    for name in json.loads((WEB / "package.json").read_text())["dependencies"]:
        folder = WEB / "node_modules" / name
        yield from texts(f"{name} {json.loads((folder / 'package.json').read_text())['version']}", folder)


def texts(what: str, folder: Path) -> Iterable[tuple[str, str]]:
    found = [file for file in sorted(folder.iterdir()) if file.is_file() and LICENCE_FILE.fullmatch(file.name)]
    if not found:
        raise Unfit(f"{what} has no licence file in {folder}")
    for file in found:
        yield what, file.read_text(errors="replace")


def engine_licences(library: Path, folder: Path) -> Iterable[tuple[str, str]]:
    """What the engine says of the libraries in it, asked in a process that ends with it."""
    with staging(folder) as stage:
        out = Path(stage) / "licences.json"
        query = f"{LICENCES_SQL} INTO OUTFILE '{out}' FORMAT JSONEachRow"
        subprocess.run([sys.executable, __file__, "--ask", str(library), query], check=True)
        rows = [json.loads(line) for line in out.read_text().splitlines()]
    yield "ClickHouse and chDB (Apache-2.0)", (ROOT / "LICENSE").read_text()
    for row in rows:
        yield f"{row['library_name']} ({row['license_type']})", row["license_text"]


def ask(library: str, query: str) -> None:
    """Lets the engine carry out one query; it keeps threads, so the process is ended."""
    import ctypes

    arguments = [b"clickhouse-local", f"--query={query}".encode()]
    ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL).chdb_query_cmdline(
        len(arguments), (ctypes.c_char_p * (len(arguments) + 1))(*arguments, None)
    )
    os._exit(0)


if __name__ == "__main__":
    if sys.argv[1] == "--ask":
        ask(*sys.argv[2:])
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2]))
