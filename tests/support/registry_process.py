"""The registry as `make run` starts it: processes on a port of their own, stopped at the end."""

import os
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import httpx

from tests.paths import ROOT
from tests.protocol.bal.go import GoBal
from tests.protocol.bal.java import JavaBal
from tests.protocol.bal.wire import Wire

BOUND_SECONDS = 60.0  # Generous: a slow machine is no failure.


@dataclass(frozen=True)
class Running:
    """A registry that is running, and its administrator's token."""

    process: "subprocess.Popen[bytes]"
    url: str
    data: Path
    token: str

    @property
    def base(self) -> str:
        """Return what clients of Central call."""
        return f"{self.url}/2.0/registry"

    @property
    def port(self) -> str:
        return self.url.rpartition(":")[2]

    def java(self, http: httpx.AsyncClient, token: str | None = None) -> JavaBal:
        """Return the administrator's Java `bal`, or one with another token."""
        return JavaBal(Wire(http), self.base, self.token if token is None else token)

    def go(self, http: httpx.AsyncClient, token: str | None = None) -> GoBal:
        """Return the administrator's Go `bal`, or one with another token."""
        return GoBal(Wire(http), self.base, self.token if token is None else token)

    def stop(self) -> int:
        """End it as an operator does, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=BOUND_SECONDS)
        return self.process.returncode


@contextmanager
def running(
    data: Path,
    *,
    workers: int,
    program: str = "shared.localhost",
    command: Sequence[str] = (),
    ready: bool = True,
    **settings: str,
) -> Generator[Running]:
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
    process = subprocess.Popen(
        command or [sys.executable, "-m", program],
        cwd=data.parent if command else ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(process, f"{url}/health/{'ready' if ready else 'live'}")
        yield Running(process, url, data, _token(data))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        _, logged = process.communicate(timeout=BOUND_SECONDS)
        sys.stderr.write(logged.decode())  # A test that fails shows it.


def fresh_connections() -> httpx.AsyncClient:
    """Return a client that reuses no connection, so that any worker may answer."""
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.AsyncClient(limits=limits, timeout=BOUND_SECONDS, trust_env=False)


def push(url: str, token: str, archive: bytes) -> httpx.Response:
    """Publish an archive at a registry as `curl` does."""
    return httpx.post(
        f"{url}/2.0/registry/packages",
        headers={"Authorization": f"Bearer {token}"},
        files={"bala-file": ("any.bala", archive)},
        timeout=BOUND_SECONDS,
        trust_env=False,
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


def wait_for(process: "subprocess.Popen[bytes]", url: str) -> None:
    """Wait until the process answers 200 at the address; fail if it ends."""
    pause = Event()
    with httpx.Client(timeout=BOUND_SECONDS, trust_env=False) as client:
        for _ in range(int(BOUND_SECONDS / 0.05)):
            assert process.poll() is None, process.communicate()[1].decode()
            try:
                if client.get(url).status_code == 200:
                    return
            except httpx.TransportError:
                pause.wait(0.05)
    raise TimeoutError(url)


def _token(data: Path) -> str:
    text = (data / "Settings.toml").read_text("utf-8")
    return tomllib.loads(text)["repository"]["maven"][0]["accesstoken"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
