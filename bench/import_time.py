"""Start: time and memory to import the app in a new process. Limits: 0.45 s, 100 MiB."""

import os
import statistics
import subprocess
import sys

from bench.servers import ROOT, workspace

RUNS = 7
PROGRAM = """
import time, resource
began = time.perf_counter()
import function_app
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""

CLOUD = {
    "BALLROOM_COSMOS_ENDPOINT": "https://cosmos.example.org",
    "BALLROOM_BLOB_ENDPOINT": "https://blobs.example.org",
    "BALLROOM_LINK_KEY": "k" * 32,
}


def main() -> None:
    with workspace() as folder:
        env = {**os.environ, "BALLROOM_DATA": str(folder / "data")}
        env.pop("PYTHONDONTWRITEBYTECODE", None)  # The app runs from its byte code.
        _show("on one machine", env)
        _show("in the cloud", {**env, **CLOUD})


def _show(world: str, env: dict[str, str]) -> None:
    runs = [_run(env) for _ in range(RUNS + 1)][1:]  # The first one writes byte code.
    seconds = statistics.median(run[0] for run in runs)
    mebibytes = statistics.median(run[1] for run in runs)
    print(f"import of function_app {world}, median of {RUNS} fresh processes")
    print(f"  {seconds:.3f} s (limit: 0.45)")
    print(f"  {mebibytes:.0f} MiB (limit: 100)")


def _run(env: dict[str, str]) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, mebibytes = done.stdout.split()
    return float(seconds), float(mebibytes)


if __name__ == "__main__":
    main()
