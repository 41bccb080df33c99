"""Verification: seconds for the 10,000 archives of a folder, and for a whole log. Limit: 10 s.

The program runs in a process of its own, as at a stranger. The log and the index are files that a
small server sends from this machine; each release is signed.

The last rows are of the demonstration, if it is there (`make demo`). A registry serves it: its
`/verify.py` gets the address and the key of the log alone, verifies the whole log and every
archive, and then has to name the one archive of which a byte was changed. `python -m bench.verify
demonstration` runs them alone, and fills a registry first if there is none, which takes minutes.
"""

import hashlib
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from bench import demo
from bench.support.servers import ballroom, workspace
from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.log_files import LOG, LogTreeFiles, ServedLog, release_leaf, serving

PACKAGES = 1_000
VERSIONS = 10
ARCHIVE_BYTES = 20_000
LIMIT_S = 10.0
_DIGEST = re.compile("[0-9a-f]{64}")


def main() -> None:
    is_asked = sys.argv[1:] == ["demonstration"]
    if not is_asked:
        verify_generated()
    if is_asked or demo.is_full():
        verify_demonstration()
    else:
        print("`make demo`, or `python -m bench.verify demonstration`, for the demonstration.")


def verify_generated() -> None:
    """Measure an invented log."""
    with workspace() as folder:
        archives = folder / "archives"
        archives.mkdir()
        site = _site(archives)
        with serving(site) as url:
            _show("the archives of a folder", _seconds(folder, url, str(archives)), LIMIT_S)
            _show("the whole log", _seconds(folder, url), LIMIT_S)


def _site(archives: Path) -> ServedLog:
    """Write the archives, and return the log that has them."""
    entries: list[bytes] = []
    digests: dict[str, str] = {}
    for number in range(PACKAGES * VERSIONS):
        release = f"acme/p{number % PACKAGES}:1.{number // PACKAGES}.0"
        content = bala(release, padding=ARCHIVE_BYTES)
        (archives / f"{number}.bala").write_bytes(content)
        digests[release] = hashlib.sha256(content).hexdigest()
        entries.append(release_leaf(number, release, digests[release]))
    site = ServedLog(LogTreeFiles(entries), len(entries))
    for release, digest in digests.items():
        site.sign(release, digest)
    return site


def verify_demonstration() -> None:
    """Verify the demonstration as a stranger, and a folder in which one byte was changed."""
    with workspace() as folder:
        demo.published(folder / "data")
        archives = _linked_archives(folder)
        with ballroom(folder) as server, httpx.Client() as client:
            program = folder / "verify.py"
            program.write_bytes(client.get(f"{server.url}/verify.py").raise_for_status().content)
            policy = client.get(f"{server.url}/log/policy").raise_for_status().text
            [key] = re.findall(r"^log (\S+)", policy, re.MULTILINE)
            command = [str(program), server.url, "--key", key]
            state = ("--state", str(folder / "state.json"))
            seconds = _timed(command, *state)
            _show("the log of the demonstration", seconds, LIMIT_S)
            _show("its archives", _timed([*command, str(archives)], *state), LIMIT_S)
            changed = _with_changed_byte(archives)
            done = _run([*command, str(archives)], *state)
            assert done.returncode == 1, done.stdout + done.stderr
            named = [line for line in done.stdout.splitlines() if str(archives) in line]
            assert len(named) == 1, done.stdout
            assert str(changed) in named[0], done.stdout
            print(f"  named: {named[0]}")


def _linked_archives(folder: Path) -> Path:
    """Return a folder with the archives of the registry, each a file of its own."""
    archives = folder / "archives"
    archives.mkdir()
    for each in (folder / "data/archives").rglob("*"):
        if _DIGEST.fullmatch(each.name):
            os.link(each, archives / f"{each.name}.bala")
    return archives


def _with_changed_byte(archives: Path) -> Path:
    """Change the byte in the middle of one archive, in a copy of it."""
    files = sorted(archives.iterdir())
    chosen = files[len(files) // 2]
    content = bytearray(chosen.read_bytes())
    content[len(content) // 2] ^= 1
    chosen.unlink()  # Only this link is removed; the registry keeps the other one.
    chosen.write_bytes(content)
    return chosen


def _seconds(folder: Path, url: str, *files: str) -> float:
    command = ["-m", "shared.verify", url, *files, "--key", LOG.vkey]
    return _timed(command, "--state", str(folder / "state.json"))


def _timed(command: Sequence[str], *options: str) -> float:
    """Run the program, which has to succeed; return the seconds."""
    busy_before = _processor_seconds()
    began = time.perf_counter()
    done = _run(command, *options)
    seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout.splitlines()[-1])
    print(f"  of the processor             {_processor_seconds() - busy_before:6.2f} s")
    return seconds


def _run(command: Sequence[str], *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command, *options], cwd=ROOT, capture_output=True, text=True, check=False
    )


def _processor_seconds() -> float:
    """Return what ended processes took, which is the same on a machine with other work."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _show(what: str, seconds: float, limit_s: float) -> None:
    verdict = "" if seconds <= limit_s else f", more than {limit_s:.0f} s"
    print(f"  {what:28} {seconds:6.2f} s{verdict}")


if __name__ == "__main__":
    main()
