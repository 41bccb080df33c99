"""Shape of the code: its size, and how many files a request crosses.

`python -m bench.code_size` prints a table; `--files` prints which files each request crosses.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from tests.paths import ROOT

REQUESTS = ("push", "pull", "search", "package page")
EMPTY_LINES = 3  # A module with at most this many lines has no code.

# Serves one registry in the process, and counts the files of ours that each request runs through,
# and those of them that run before the one of its operation.
CROSSED = """
import asyncio, os, sys, tempfile
from pathlib import Path
from tests.support.archives import bala
from tests.support.world import URL, make_template

here, files = os.getcwd() + os.sep, {}
PLUMBING = ("functions/http/", "shared/")

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


@dataclass(frozen=True)
class Crossed:
    """The files of ours that a request runs through, and how many of them before its operation."""

    request: str
    files: Sequence[str]
    before: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.code_size", description=__doc__)
    parser.add_argument(
        "--files", action="store_true", help="print the files that each request crosses"
    )
    if parser.parse_args().files:
        _show_files(_crossed())
        return
    product = _texts("functions", "shared", "function_app.py")
    rows = {
        "lines of the product": f"{sum(map(_lines, product)):,}",
        f"modules of more than {EMPTY_LINES} lines": sum(
            _lines(each) > EMPTY_LINES for each in product
        ),
        "lines of tests": f"{sum(map(_lines, _texts('tests'))):,}",
        **{
            f"files that a {each.request} crosses": f"{len(each.files)}, "
            f"{each.before} before its operation"
            for each in _crossed()
        },
    }
    for title, value in rows.items():
        print(f"{title:<42}{value:>12}")


def _show_files(requests: Sequence[Crossed]) -> None:
    for crossed in requests:
        print(f"\n{crossed.request}: {len(crossed.files)}")
        for number, file in enumerate(crossed.files):
            print("  before" if number < crossed.before else "        ", file)


def _texts(*names: str) -> list[str]:
    paths = (ROOT / name for name in names)
    files = (file for each in paths for file in (each.rglob("*.py") if each.is_dir() else [each]))
    return [file.read_text("utf-8") for file in files]


def _lines(text: str) -> int:
    return text.count("\n")


def _crossed() -> list[Crossed]:
    with tempfile.TemporaryDirectory() as data:
        printed = subprocess.run(
            [sys.executable, "-c", CROSSED],
            cwd=ROOT,
            env={**os.environ, "BALLROOM_DATA": data},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    lines = (line.split() for line in printed.splitlines())
    return [
        Crossed(request, files, int(before))
        for request, (before, *files) in zip(REQUESTS, lines, strict=True)
    ]


if __name__ == "__main__":
    main()
