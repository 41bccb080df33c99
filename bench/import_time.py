"""Start: time and memory to import the app in a new process. Limits: 0.45 s, 100 MiB.

Then the same as Azure does it, from the package that is deployed, in a folder that cannot be
written: with the bytecode of the package and without.
"""

import os
import shutil
import statistics
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from bench.support.servers import workspace
from tests.paths import ROOT
from tests.run import find_python

RUNS = 7
DEPLOYED = "3.13"  # The Python of the templates.
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
        _show_package(folder, {**env, **CLOUD})


def _show_package(folder: Path, env: Mapping[str, str]) -> None:
    interpreter = find_python(DEPLOYED)
    if interpreter is None:
        print(f"import of the package: Python {DEPLOYED} is not installed here")
        return
    made = folder / "package"
    bare = folder / "bare"
    path = f"{Path(interpreter).parent}:{env['PATH']}"
    command = [sys.executable, ".ci/package.py", "--bytecode", "--python", DEPLOYED]
    subprocess.run([*command, f"{made}.zip"], cwd=ROOT, env={**env, "PATH": path}, check=True)
    for target in (made, bare):
        with zipfile.ZipFile(f"{made}.zip") as package:
            package.extractall(target)
    for each in list(bare.rglob("__pycache__")):
        shutil.rmtree(each)
    for words, app in (("with bytecode", made), ("without bytecode", bare)):
        # Root may write to every folder, so Python has to be told as well.
        subprocess.run(["chmod", "--recursive", "a-w", app], check=True)
        site = app / ".python_packages" / "lib" / "site-packages"
        settings = {**env, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(site)}
        _show(f"of the package {words}", settings, app, interpreter)
        subprocess.run(["chmod", "--recursive", "u+w", app], check=True)


def _show(
    world: str, env: Mapping[str, str], app: Path = ROOT, interpreter: str = sys.executable
) -> None:
    # The first one writes byte code, and reads files that are in no cache.
    runs = [_run(env, app, interpreter) for _ in range(RUNS + 1)][1:]
    seconds = statistics.median(run[0] for run in runs)
    mebibytes = statistics.median(run[1] for run in runs)
    print(f"import of function_app {world}, median of {RUNS} fresh processes")
    print(f"  {seconds:.3f} s (limit: 0.45)")
    print(f"  {mebibytes:.0f} MiB (limit: 100)")


def _run(env: Mapping[str, str], app: Path, interpreter: str) -> tuple[float, float]:
    done = subprocess.run(
        [interpreter, "-c", PROGRAM], env=env, cwd=app, capture_output=True, text=True, check=True
    )
    seconds, mebibytes = done.stdout.split()
    return float(seconds), float(mebibytes)


if __name__ == "__main__":
    main()
