"""Verification: seconds for the 10,000 archives of a folder, and for a whole log. Limit: 10 s.

The program runs in a process of its own, as at a stranger. The log and the index are files that a
small server sends from this machine; each release is signed.
"""

import hashlib
import resource
import subprocess
import sys
import time
from pathlib import Path

from bench.servers import ROOT, workspace
from tests.support.archives import bala
from tests.support.log_files import LOG, LogTreeFiles, Site, release_leaf, serving

PACKAGES = 1_000
VERSIONS = 10
ARCHIVE_BYTES = 20_000
LIMIT_S = 10.0


def main() -> None:
    with workspace() as folder:
        archives = folder / "archives"
        archives.mkdir()
        site = _site(archives)
        with serving(site) as url:
            _show("the archives of a folder", _seconds(folder, url, str(archives)), LIMIT_S)
            _show("the whole log", _seconds(folder, url), LIMIT_S)


def _site(archives: Path) -> Site:
    """Write the archives, and return the log that has them."""
    entries: list[bytes] = []
    digests: dict[str, str] = {}
    for number in range(PACKAGES * VERSIONS):
        release = f"acme/p{number % PACKAGES}:1.{number // PACKAGES}.0"
        content = bala(release, padding=ARCHIVE_BYTES)
        (archives / f"{number}.bala").write_bytes(content)
        digests[release] = hashlib.sha256(content).hexdigest()
        entries.append(release_leaf(number, release, digests[release]))
    site = Site(LogTreeFiles(entries), len(entries))
    for release, digest in digests.items():
        site.sign(release, digest)
    return site


def _seconds(folder: Path, url: str, *files: str) -> float:
    state = folder / "state.json"
    command = [sys.executable, "-m", "shared.verify", url, *files, "--key", LOG.vkey]
    busy_before = _processor_seconds()
    began = time.perf_counter()
    done = subprocess.run(
        [*command, "--state", str(state)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout.splitlines()[-1])
    print(f"  of the processor             {_processor_seconds() - busy_before:6.2f} s")
    return seconds


def _processor_seconds() -> float:
    """Return what ended processes took, which is the same on a machine with other work."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _show(what: str, seconds: float, limit_s: float) -> None:
    verdict = "" if seconds <= limit_s else f", more than {limit_s:.0f} s"
    print(f"  {what:28} {seconds:6.2f} s{verdict}")


if __name__ == "__main__":
    main()
