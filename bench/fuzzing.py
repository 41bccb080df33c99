"""Fuzzing: our own API gets what its description allows, and what it does not, for ten minutes.

Schemathesis reads the OpenAPI document of a running registry and makes chains of requests of it. No
answer may be a fault of ours: one 500 ends the run with exit code 1. `--minutes`, or MINUTES for
`make bench`, says how long to try. Then the reader of Ballerina sources is tried for as long
(`bench.source_fuzzing`, which can be run alone).
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from bench import source_fuzzing
from bench.servers import PEERS, UNREACHED, Server, ballroom, install, push, token_of, workspace
from shared.domain.rate_limits import RateLimitClass
from tests.support.archives import bala

MINUTES = 10.0
SCHEMATHESIS = "schemathesis==4.32.5"
FAULT = 500
# What would end the token of the run, and with it all but a 401.
OF_THE_TOKEN = ("token_revoke", "token_rotate", "token_rename")


@dataclass(frozen=True)
class Round:
    """A part of the time, and who asks for what in it."""

    name: str
    share: float
    signed_in: bool = True
    without: tuple[str, ...] = ()


ROUNDS = (
    Round("signed in", 0.7, without=OF_THE_TOKEN),
    Round("anonymous", 0.1, signed_in=False),
    Round("everything", 0.2),  # Last: it may revoke its own token.
)


def main() -> None:
    """Try each round, and raise `SystemExit` with 1 after a fault of ours."""
    minutes = _minutes()
    os.environ |= {f"BALLROOM_LIMIT_{each.name}": UNREACHED for each in RateLimitClass}
    with workspace() as folder, ballroom(folder) as server:
        _fill(server)
        failed = [each.name for each in ROUNDS if not _passes(server, each, minutes)]
        statuses = _statuses(server)
    print(f"\n{sum(statuses.values()):,} answers: {_shown(statuses)}")
    if failed or any(status >= FAULT for status in statuses):
        sys.exit(f"Faults of ours: {failed or statuses}")
    print("\nsources", flush=True)
    source_fuzzing.fuzz(minutes)


def _minutes() -> float:
    parser = argparse.ArgumentParser(description=__doc__)
    default = float(os.environ.get("MINUTES", MINUTES))
    parser.add_argument("--minutes", type=float, default=default)
    return float(parser.parse_args().minutes)


def _fill(server: Server) -> None:
    """Publish something to ask about."""
    with httpx.Client(timeout=60) as client:
        for version in ("1.0.0", "1.1.0"):
            push(server, client, bala(f"acme/greet:{version}"))


def _passes(server: Server, part: Round, minutes: float) -> bool:
    """Fuzz for a part of the time; say whether no answer was a fault."""
    seconds = max(5, round(60 * minutes * part.share))
    print(f"\n{part.name}, {seconds} s", flush=True)
    command = _command(server, part, seconds)
    return subprocess.run(command, cwd=server.folder, check=False).returncode == 0


def _command(server: Server, part: Round, seconds: int) -> Sequence[str]:
    home = PEERS / "schemathesis"
    program = home / "bin/schemathesis"
    if not program.exists():
        install([sys.executable, "-m", "venv", str(home)])
        install([str(home / "bin/pip"), "install", "--quiet", SCHEMATHESIS])
    command = [str(program), "--no-color", "run", f"{server.url}/api/v1/openapi.json"]
    command += ["--url", server.url, "--checks", "not_a_server_error", "--warnings", "off"]
    command += ["--max-time", str(seconds), "--suppress-health-check", "all"]
    command += ["--continue-on-failure", "--no-shrink"]
    if part.signed_in:
        command += ["--header", f"Authorization: Bearer {token_of(server)}"]
    for operation in part.without:
        command += ["--exclude-operation-id", operation]
    return command


def _statuses(server: Server) -> Counter[int]:
    """Count the answers of our API by status, as the registry's log has them."""
    found: Counter[int] = Counter()
    for line in (server.folder / "ballroom.log").read_text("utf-8").splitlines():
        if '"event":"request"' in line:
            found[int(json.loads(line)["status"])] += 1
    return found


def _shown(statuses: Counter[int]) -> str:
    return ", ".join(f"{count:,} x {status}" for status, count in sorted(statuses.items()))


if __name__ == "__main__":
    main()
