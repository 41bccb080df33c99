"""Fuzzing our own API with what its description allows, and what it does not.

Schemathesis reads the OpenAPI document of a running registry and makes chains of requests of it. No
answer may be a fault of ours.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import pytest

from bench.support.servers import (
    PEERS,
    Server,
    ballroom,
    install,
    push,
    workspace,
)
from shared.domain.rate_limits import RateLimitClass
from tests.fuzzing.time_budget import REQUESTS_SECONDS
from tests.support.archives import bala

pytestmark = pytest.mark.nightly

SCHEMATHESIS = "schemathesis==4.32.5"
FAULT = 500
UNREACHED = "address=999999999"  # Of an address: some limits have no other.
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


@pytest.mark.timeout(REQUESTS_SECONDS + 300)  # It installs the program first.
def test_no_answer_of_the_api_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in RateLimitClass:
        monkeypatch.setenv(f"BALLROOM_LIMIT_{each.name}", UNREACHED)
    with workspace() as folder, ballroom(folder) as server:
        _fill(server)
        failed = [each.name for each in ROUNDS if not _passes(server, each)]
        statuses = _statuses(server)
    assert not failed
    assert max(statuses) < FAULT, statuses


def _fill(server: Server) -> None:
    """Publish something to ask about."""
    with httpx.Client(timeout=60) as client:
        for version in ("1.0.0", "1.1.0"):
            push(server, client, bala(f"acme/greet:{version}"))


def _passes(server: Server, part: Round) -> bool:
    """Fuzz for a part of the time; say whether no answer was a fault."""
    seconds = max(5, round(REQUESTS_SECONDS * part.share))
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
        command += ["--header", f"Authorization: Bearer {server.token}"]
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
