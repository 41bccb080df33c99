"""Shape of the code: sizes of modules and functions, names, and how many files a request crosses.

`python -m bench.shape` measures this tree; `python -m bench.shape REVISION` measures a commit too,
and prints it before this tree; it runs with the packages of its own lock, in an environment below
`.venvs`. Both print httpx and starlette, as they are installed here. `--files` prints which files
each request crosses.
"""

import argparse
import ast
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from bench.revisions import checked_out
from bench.servers import ROOT

# The module whose import is measured; the one of starlette's package alone is empty.
PEERS = {"httpx": "httpx", "starlette": "starlette.applications"}
OURS = ("functions", "shared")
REQUESTS = ("push", "pull", "search", "package page")
RUNS = 5
LISTED = 5  # A module that alone imports so many others is a list of them.

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

# Serves one registry in the process, and counts the files of ours that each request runs through,
# and those of them that run before the one of its operation.
CROSSED = """
import asyncio, os, sys, tempfile
from pathlib import Path
try:
    from tests.support.archives import bala
    from tests.support.world import URL, make_template
except ModuleNotFoundError:  # A commit from before tests/support.
    from tests.balas import bala
    from tests.world import URL, make_template

here, files = os.getcwd() + os.sep, {}
PLUMBING = ("functions/http/", "functions/host_context.py", "shared/")

def note(frame, event, argument):
    name = frame.f_code.co_filename
    if event == "call" and name.startswith(here):
        files.setdefault(name[len(here):])

async def crossed(request):
    files.clear()
    sys.setprofile(note)
    try:
        await request()
    finally:
        sys.setprofile(None)
    ours = [name for name in files if name.startswith(("functions/", "shared/"))]
    before = next(at for at, name in enumerate(ours) if not name.startswith(PLUMBING))
    print(before, *ours)

async def measure(template, folder):
    async with template.world(folder) as world:
        pull = URL + "/2.0/registry/packages/acme/greet/1.0.0"
        await world.push(bala("acme/first:1.0.0"))
        await crossed(lambda: world.push(bala("acme/greet:1.0.0")))
        if hasattr(world, "document"):
            await world.document()  # What a push leaves to the background is no part of a read.
            world.documents_when_read = False
            await asyncio.sleep(0.5)
        await world.get("/packages?q=first")
        await world.get(URL + "/packages/acme/first")
        await crossed(lambda: world.get(pull))
        await crossed(lambda: world.get("/packages?q=greet"))
        await crossed(lambda: world.get(URL + "/packages/acme/greet"))

with tempfile.TemporaryDirectory() as folder:
    template = make_template(Path(folder) / "template")
    asyncio.run(measure(template, Path(folder) / "data"))
"""

IMPORT = "import time; began = time.process_time(); import {0}; print(time.process_time() - began)"


@dataclass(frozen=True)
class Module:
    """One source file."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return self.text.count("\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.shape",
        description="Measure the shape of the code: sizes, names, and the files of a request.",
    )
    parser.add_argument("revisions", nargs="*", metavar="REVISION", help="a commit to measure too")
    parser.add_argument(
        "--files", action="store_true", help="print the files that each request crosses"
    )
    options = parser.parse_args()
    if options.files:
        _show_files()
    else:
        _show_table(options.revisions)


def _show_files() -> None:
    for crossed in _crossed(ROOT, Path(sys.executable)):
        print(f"\n{crossed.request}: {len(crossed.files)}")
        for number, file in enumerate(crossed.files):
            print("  before" if number < crossed.before else "        ", file)


def _show_table(revisions: Sequence[str]) -> None:
    """Print one column for each tree."""
    columns = [("this tree", _ours(ROOT, Path(sys.executable)))]
    for revision in revisions:
        with checked_out(revision) as tree:
            columns.insert(0, (revision[:12], _ours(tree.root, tree.python)))
    columns += [(peer, _peer(peer)) for peer in PEERS]
    rows = list(dict.fromkeys(row for _, figures in columns for row in figures))
    print(f"{'':<58}" + "".join(f"{title:>14}" for title, _ in columns))
    for row in rows:
        print(f"{row:<58}" + "".join(f"{figures.get(row, '-'):>14}" for _, figures in columns))


# --- Trees -------------------------------------------------------------------------------------


def _ours(root: Path, python: Path) -> dict[str, str]:
    modules = [module for name in OURS for module in _modules(root / name, name)]
    tests = {"lines of tests": f"{sum(each.lines for each in _modules(root / 'tests', 'tests')):,}"}
    return {**_static(modules), **_our_names(modules), **tests, **_running(root, python)}


def _peer(name: str) -> dict[str, str]:
    found = find_spec(name)
    assert found is not None
    assert found.origin is not None
    modules = list(_modules(Path(found.origin).parent, name))
    seconds = _import_seconds(ROOT, Path(sys.executable), PEERS[name])
    return {**_static(modules), f"import, s of processor, median of {RUNS}": seconds}


def _modules(folder: Path, package: str) -> Iterable[Module]:
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        name = ".".join((package, *parts)).removesuffix(".__init__")
        text = path.read_text()
        yield Module(name, path, text, ast.parse(text))


# --- What is written ---------------------------------------------------------------------------


def _static(modules: list[Module]) -> dict[str, str]:
    whole = [module for module in modules if module.path.name != "__init__.py"]
    functions = sorted(_own_lines(each) for module in whole for each in _functions(module.tree))
    lines = sum(module.lines for module in modules)
    imports = sum(_span(each) for module in modules for each in _imports(module.tree))
    return {
        "modules": str(len(whole)),
        "lines": f"{lines:,}",
        "lines a module, median": f"{statistics.median(each.lines for each in whole):.0f}",
        **_imported_once(modules),
        "imports, share of all lines": f"{100 * imports / lines:.1f} %",
        "lines a function, median": f"{statistics.median(functions):.0f}",
        "lines a function, p99": str(functions[int(len(functions) * 0.99)]),
    }


def _our_names(modules: list[Module]) -> dict[str, str]:
    classes: defaultdict[str, set[str]] = defaultdict(set)
    for module in modules:
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                classes[node.name].add(module.name)
    layers = Counter(module.name.rpartition(".")[0] for module in modules)
    gerunds = [each for each in modules if each.name.split(".")[-1].endswith("ing")]
    in_services = [each for each in gerunds if each.name.startswith("shared.services.")]
    return {
        "public class names in several modules": str(sum(len(w) > 1 for w in classes.values())),
        "modules of shared/domain": str(layers["shared.domain"]),
        "modules of shared/services that end in -ing": str(len(in_services)),
    }


def _imported_once(modules: list[Module]) -> dict[str, str]:
    """Count the modules that exactly one other module imports, and those of them that it lists:
    each is one of many alike, such as a task, a command or an adapter."""
    known = {module.name for module in modules if module.path.name != "__init__.py"}
    importers: defaultdict[str, list[str]] = defaultdict(list)
    for module in modules:
        for name in _imported(module, known) - {module.name}:
            importers[name].append(module.name)
    only = Counter(each[0] for each in importers.values() if len(each) == 1)
    listed = sum(count for count in only.values() if count >= LISTED)
    return {
        "modules that one other imports": str(only.total()),
        f"of these, imported by one that imports {LISTED} or more such": str(listed),
    }


def _imported(module: Module, known: set[str]) -> set[str]:
    names: set[str] = set()
    for node in _imports(module.tree):
        if isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
        else:
            names |= {alias.name for alias in node.names}
    return names & known


def _base(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    is_package = module.path.name == "__init__.py"
    parts = module.name.split(".")
    parent = parts[: len(parts) - node.level + is_package]
    return ".".join([*parent, *([node.module] if node.module else [])])


def _imports(tree: ast.Module) -> list[ast.Import | ast.ImportFrom]:
    return [each for each in ast.walk(tree) if isinstance(each, ast.Import | ast.ImportFrom)]


def _functions(tree: ast.Module) -> list[Function]:
    return [each for each in ast.walk(tree) if isinstance(each, Function)]


def _own_lines(function: Function) -> int:
    """Count a function's lines without those of the functions inside it."""
    inner = [each for each in function.body if isinstance(each, Function)]
    return _span(function) - sum(map(_span, inner))


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


# --- What runs ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Crossed:
    """The files of ours that a request runs through, and how many of them before its operation."""

    request: str
    files: Sequence[str]
    before: int


def _crossed(root: Path, python: Path) -> list[Crossed]:
    lines = _run(root, python, CROSSED).splitlines()
    found: list[Crossed] = []
    for request, line in zip(REQUESTS, lines, strict=True):
        before, *files = line.split()
        found.append(Crossed(request, files, int(before)))
    return found


def _running(root: Path, python: Path) -> dict[str, str]:
    crossed = {
        f"files that a {each.request} crosses / before its operation": (
            f"{len(each.files)} / {each.before}"
        )
        for each in _crossed(root, python)
    }
    return {
        **crossed,
        f"import, s of processor, median of {RUNS}": _import_seconds(root, python, "function_app"),
    }


def _import_seconds(root: Path, python: Path, name: str) -> str:
    runs = [float(_run(root, python, IMPORT.format(name))) for _ in range(RUNS + 1)]
    return f"{statistics.median(runs[1:]):.2f}"  # The first one writes byte code.


def _run(root: Path, python: Path, program: str) -> str:
    with tempfile.TemporaryDirectory() as data:
        return subprocess.run(
            [python, "-c", program],
            cwd=root,
            env={**os.environ, "BALLROOM_DATA": data, "PYTHONDONTWRITEBYTECODE": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout


if __name__ == "__main__":
    main()
