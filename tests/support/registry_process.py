"""The registry as `make run` starts it, and other servers that tests and benchmarks run: processes
on a port of their own, stopped at the end."""

import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import BinaryIO

import httpx

from tests.paths import ROOT
from tests.protocol.bal.go import GoBal
from tests.protocol.bal.java import JavaBal
from tests.protocol.bal.wire import Wire

BOUND_SECONDS = 60.0  # Generous: a slow machine is no failure.


@dataclass(frozen=True)
class RegistryProcess:
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
        "PORT": str(port),
        "WORKERS": str(workers),
        "BALLROOM_DATA": str(data),
        "BALLROOM_LOG_LEVEL": "error",
        "BALLROOM_LIMIT_PUSH": "",  # One token pushes for a crowd.
        **settings,
    }
    url = f"http://127.0.0.1:{port}"
    with running_process(
        command or [sys.executable, "-m", program],
        lambda: answers(f"{url}/health/{'ready' if ready else 'live'}"),
        root=data.parent if command else ROOT,
        environment=environment,
    ) as process:
        yield RegistryProcess(process, url, data, administrator_token(data))


@contextmanager
def running_process(
    command: Sequence[str],
    is_ready: Callable[[], bool],
    *,
    root: Path,
    environment: Mapping[str, str],
    output: BinaryIO | int = subprocess.PIPE,
) -> Generator["subprocess.Popen[bytes]"]:
    """Start a program, wait until it is ready, and end it however the block ends.

    What it says on a pipe is shown when it has ended, for a test that fails. One that does not stop
    is killed, and fails the test unless that failed already.
    """
    process = subprocess.Popen(
        command, cwd=root, env={**os.environ, **environment}, stdout=output, stderr=output
    )
    is_stuck = False
    try:
        wait_until(process, is_ready)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            _, said = process.communicate(timeout=BOUND_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            _, said = process.communicate()
            is_stuck = True
        sys.stderr.write((said or b"").decode())
    assert not is_stuck, f"{command} did not stop within {BOUND_SECONDS:.0f} s."


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


def wait_for(process: "subprocess.Popen[bytes]", url: str) -> None:
    """Wait until the process answers 200 at the address; raise `RuntimeError` if it ends
    before."""
    wait_until(process, lambda: answers(url))


def wait_until(process: "subprocess.Popen[bytes]", is_ready: Callable[[], bool]) -> None:
    """Wait until the process is ready; raise `RuntimeError` if it ends before, and `TimeoutError`
    if it takes too long."""
    deadline = time.monotonic() + BOUND_SECONDS
    pause = Event()
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = (process.communicate()[1] or b"").decode()
            message = f"{process.args} ended before it was ready: {said or 'its log says why.'}"
            raise RuntimeError(message)
        if is_ready():
            return
        pause.wait(0.05)
    raise TimeoutError(process.args)


def answers(url: str) -> bool:
    """Say whether a server answers 200 at the address."""
    try:
        return httpx.get(url, timeout=BOUND_SECONDS, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def listens(port: int) -> bool:
    """Say whether a server takes connections at the port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def administrator_token(data: Path) -> str:
    """Return the token that the first start wrote into the data folder."""
    text = (data / "Settings.toml").read_text("utf-8")
    return tomllib.loads(text)["repository"]["maven"][0]["accesstoken"]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
