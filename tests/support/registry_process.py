"""The registry as `make run` starts it, on a port of its own, stopped at the end."""

import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.paths import ROOT
from tests.protocol.bal.go import GoBal
from tests.protocol.bal.java import JavaBal
from tests.protocol.bal.wire import Wire
from tests.support.processes import PipeReader, answers, free_port, running_program
from tests.support.waiting import BOUND_SECONDS


@dataclass(frozen=True)
class RegistryProcess:
    """A registry that is running, what it prints, and its administrator's token."""

    process: "subprocess.Popen[bytes]"
    output: PipeReader
    url: str
    data: Path
    token: str

    @property
    def base(self) -> str:
        """Return what clients of Central call."""
        return f"{self.url}/2.0/registry"

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def java(self, http: httpx.AsyncClient, token: str | None = None) -> JavaBal:
        """Return the administrator's Java `bal`, or one with another token."""
        return JavaBal(Wire(http), self.base, self.token if token is None else token)

    def go(self, http: httpx.AsyncClient, token: str | None = None) -> GoBal:
        """Return the administrator's Go `bal`, or one with another token."""
        return GoBal(Wire(http), self.base, self.token if token is None else token)

    def stop(self) -> int:
        """End it as an operator does, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(BOUND_SECONDS)


@contextmanager
def running_registry(
    data: Path,
    *,
    workers: int,
    program: str = "shared.localhost",
    command: Sequence[str] = (),
    ready: bool = True,
    **settings: str,
) -> Generator[RegistryProcess]:
    """Start a registry over the folder, and end it however the block ends.

    Without `ready` it is enough that it answers. With `command` it is started as it is installed,
    from its data folder's parent.
    """
    port = free_port()
    environment = {
        **os.environ,
        "PORT": str(port),
        "WORKERS": str(workers),
        "BALLROOM_DATA": str(data),
        "BALLROOM_LOG_LEVEL": "error",
        "BALLROOM_LIMIT_PUSH": "",  # One token pushes for a crowd.
        **settings,
    }
    url = f"http://127.0.0.1:{port}"
    with running_program(
        command or [sys.executable, "-m", program],
        lambda: answers(f"{url}/health/{'ready' if ready else 'live'}"),
        root=data.parent if command else ROOT,
        environment=environment,
    ) as started:
        assert started.output is not None
        yield RegistryProcess(started.process, started.output, url, data, administrator_token(data))


def fresh_connections() -> httpx.AsyncClient:
    """Return a client that reuses no connection, so that any worker may answer."""
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.AsyncClient(limits=limits, timeout=BOUND_SECONDS, trust_env=False)


def push(
    url: str, token: str, archive: bytes, client: httpx.Client | None = None
) -> httpx.Response:
    """Publish an archive at a registry as `curl` does, or with the connections of a client."""
    with ExitStack() as opened:
        if client is None:
            new = httpx.Client(timeout=BOUND_SECONDS, trust_env=False)
            client = opened.enter_context(new)
        return client.post(
            f"{url}/2.0/registry/packages",
            headers={"Authorization": f"Bearer {token}"},
            files={"bala-file": ("any.bala", archive)},
        )


def pulled(url: str, release: str) -> bytes:
    """Return the archive of `org/name/version`, pulled as `curl` does."""
    answer = httpx.get(
        f"{url}/2.0/registry/packages/{release}",
        headers={"Accept": "application/octet-stream"},
        timeout=BOUND_SECONDS,
        follow_redirects=True,
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    return answer.content


def administrator_token(data: Path) -> str:
    """Return the token that the first start wrote into the data folder."""
    text = (data / "Settings.toml").read_text("utf-8")
    return tomllib.loads(text)["repository"]["maven"][0]["accesstoken"]
