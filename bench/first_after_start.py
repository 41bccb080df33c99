"""First requests after a start: the processor time of the first and of the second request of each
kind. Limit of the first: 20 ms.

The host is started in a process of its own for each kind of request, and asked once it has nothing
left to do, within that process: no server and no connection are counted. Milliseconds are the
least of `RUNS=3` starts. The process asks for one package first and for another one then.
"""

import asyncio
import os
import subprocess
import sys
import time

from bench.support import request_kinds
from bench.support.request_kinds import KINDS, SETTINGS, send
from bench.support.requested import Requested
from bench.support.servers import UNLIMITED, workspace
from shared import localhost
from shared.settings import Settings
from tests.paths import ROOT
from tests.support.registry_process import administrator_token

RUNS = int(os.environ.get("RUNS", "3"))
LIMIT_MS = 20
PACKAGES = 6
ASKED = ("p4", "p5")  # The first and the second package.
IDLE = 0.01  # Seconds of processor in `LOOK_SECONDS` in which a process does nothing.
LOOK_SECONDS = 0.5


def main() -> None:
    with workspace() as folder:
        request_kinds.fill(folder, PACKAGES)
        token = administrator_token(folder / "data")
        env = {"BALLROOM_DATA": str(folder / "data"), **UNLIMITED}
        env |= {f"BALLROOM_{name.upper()}": value for name, value in SETTINGS.items()}
        os.environ |= env
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # A registry runs from its byte code.
        known = asyncio.run(request_kinds.credentials(Settings.load(), token))
        print(f"{'ms of processor':34}{'first':>8}{'second':>8}  limit of the first: {LIMIT_MS}")
        for name, kind in KINDS.items():
            headers = dict(getattr(known, kind.takes)) if kind.takes else {}
            show(name, [_started(name, headers) for _ in range(RUNS)])


def show(name: str, runs: list[tuple[float, float]]) -> None:
    first = min(run[0] for run in runs)
    second = min(run[1] for run in runs)
    verdict = "" if first <= LIMIT_MS else "  ABOVE"
    print(f"{name:34}{first:8.1f}{second:8.1f}{verdict}", flush=True)


def _started(name: str, headers: dict[str, str]) -> tuple[float, float]:
    """Start a process that asks for one kind of request; return the milliseconds it took."""
    command = [sys.executable, "-m", "bench.first_after_start", name]
    command += [f"{key}: {value}" for key, value in headers.items()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    first, second = done.stdout.split()[-2:]
    return float(first), float(second)


async def measure(name: str, headers: dict[str, str]) -> None:
    kind = KINDS[name]
    settings = Settings.load()
    # A start deletes the files of ended processes, which would be read with the metrics.
    for file in localhost.metrics_folder(settings).glob("*.json"):
        file.unlink()
    host = localhost.build_host(settings)
    async with host.running():
        await _until_idle()
        for package in ASKED:
            made = kind.make(package)
            request = Requested(made.path, {**made.headers, **headers}, made.body)
            began = time.process_time()
            await send(host, request, kind.status)
            print(1_000 * (time.process_time() - began))


async def _until_idle() -> None:
    """Wait until what is done after a start is done."""
    while True:
        before = time.process_time()
        await asyncio.sleep(LOOK_SECONDS)
        if time.process_time() - before < IDLE:
            return


if __name__ == "__main__":
    if len(sys.argv) > 1:
        given = (each.partition(": ") for each in sys.argv[2:])
        asyncio.run(measure(sys.argv[1], {key: value for key, _, value in given}))
    else:
        main()
