"""Servers to measure: this registry, the bare server under it, and its peers."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / ".venvs" / "peers"  # Installed once, kept out of the repository.
START_SECONDS = 60.0
UNREACHED = "token=999999999 account=999999999 address=999999999"
_LIMITS = ("READ", "WRITE", "PUSH", "AGENT", "SCIM", "ADVISORIES")
# One client here does the work of thousands: it is counted as ever, and never refused.
UNLIMITED = {f"BALLROOM_LIMIT_{each}": UNREACHED for each in _LIMITS}

# One of its parts asks for a moving tag of node-fetch; this is the release that the tag stood for.
_VERDACCIO_PACKAGE = """\
{"private": true, "dependencies": {"verdaccio": "6.2.4"}, "overrides": {"node-fetch": "2.7.0"}}
"""
PYPISERVER = ("pypiserver==2.4.2", "gunicorn==23.0.0")


@dataclass(frozen=True)
class Server:
    """A running server."""

    name: str
    url: str
    pid: int
    folder: Path


@contextmanager
def running(
    name: str,
    command: Sequence[str],
    *,
    port: int,
    folder: Path,
    env: dict[str, str] | None = None,
    root: Path = ROOT,
) -> Generator[Server]:
    """Run a server until the block ends; raise `RuntimeError` when it does not answer in time."""
    log = (folder / f"{name}.log").open("wb")
    process = subprocess.Popen(
        command, cwd=root, env={**os.environ, **(env or {})}, stdout=log, stderr=log
    )
    try:
        _await_port(name, port, process)
        yield Server(name, f"http://127.0.0.1:{port}", process.pid, folder)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


@contextmanager
def workspace() -> Generator[Path]:
    """Yield a temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="ballroom-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def ballroom(
    folder: Path,
    *,
    workers: int = 1,
    root: Path = ROOT,
    python: Path = Path(sys.executable),
    **settings: str,
) -> Generator[Server]:
    """Run this registry over `folder`, with its log on a file as an operator would have it: that of
    this tree, or of the tree of another commit."""
    port = free_port()
    env = {
        "PORT": str(port),
        "WORKERS": str(workers),
        "BALLROOM_DATA": str(folder / "data"),
        **UNLIMITED,
        **{f"BALLROOM_{key.upper()}": value for key, value in settings.items()},
    }
    command = [str(python), "-m", "shared.localhost"]
    with running("ballroom", command, port=port, folder=folder, env=env, root=root) as server:
        yield server


@contextmanager
def bare(folder: Path) -> Generator[Server]:
    """Run Starlette alone under the same server."""
    port = free_port()
    command = [sys.executable, "-m", "bench.support.bare_starlette", str(port), str(folder)]
    with running("bare", command, port=port, folder=folder) as server:
        yield server


@contextmanager
def verdaccio(
    folder: Path, site: str = "{enable: false}", private: str = "@private/*"
) -> Generator[Server]:
    """Run verdaccio, the npm registry, with anonymous publishing to its own storage, but for
    packages whose names fit `private`: they are for those who signed in."""
    port = free_port()
    home = PEERS / "verdaccio"
    if not (home / "node_modules/.bin/verdaccio").exists():
        home.mkdir(parents=True, exist_ok=True)
        (home / "package.json").write_text(_VERDACCIO_PACKAGE)
        install(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(home)])
    config = folder / "verdaccio.yaml"
    config.write_text(
        _VERDACCIO.format(
            storage=folder / "verdaccio", site=site, users=folder / "htpasswd", private=private
        )
    )
    command = [
        str(home / "node_modules/.bin/verdaccio"),
        "-c",
        str(config),
        "-l",
        f"127.0.0.1:{port}",
    ]
    with running("verdaccio", command, port=port, folder=folder) as server:
        yield server


@contextmanager
def pypiserver(folder: Path) -> Generator[Server]:
    """Run pypiserver, the index for Python packages, with anonymous uploads."""
    port = free_port()
    home = PEERS / "pypiserver"
    if not (home / "bin/pypi-server").exists():
        install([sys.executable, "-m", "venv", str(home)])
        install([str(home / "bin/pip"), "install", "--quiet", *PYPISERVER])
    packages = folder / "pypi"
    packages.mkdir()
    command = [str(home / "bin/pypi-server"), "run", "-p", str(port), "-i", "127.0.0.1"]
    command += ["-P", ".", "-a", ".", "--disable-fallback", "--server", "gunicorn", str(packages)]
    with running("pypiserver", command, port=port, folder=folder) as server:
        yield server


def token_of(server: Server) -> str:
    """Return the administrator's token of a running registry."""
    settings = tomllib.loads((server.folder / "data/Settings.toml").read_text("utf-8"))
    return str(settings["repository"]["maven"][0]["accesstoken"])


def create_organization(server: Server, client: httpx.Client, org: str, **profile: str) -> None:
    """Create an organization of the administrator, or raise."""
    headers = {"Authorization": f"Bearer {token_of(server)}"}
    body = {"name": org, **profile}
    client.post(f"{server.url}/api/v1/orgs", headers=headers, json=body).raise_for_status()


def push(server: Server, client: httpx.Client, archive: bytes) -> None:
    """Publish an archive as the administrator, or raise."""
    headers = {"Authorization": f"Bearer {token_of(server)}"}
    files = {"bala-file": ("any.bala", archive)}
    url = f"{server.url}/2.0/registry/packages"
    client.post(url, headers=headers, files=files).raise_for_status()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(name: str, port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    message = f"{name} did not start"
    raise RuntimeError(message)


def install(command: Sequence[str]) -> None:
    """Install a peer, once."""
    print(f"installing: {' '.join(command)}", flush=True)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


_VERDACCIO = """\
storage: {storage}
uplinks: {{}}
auth: {{htpasswd: {{file: {users}, algorithm: bcrypt}}}}
packages:
  '{private}': {{access: $authenticated, publish: $authenticated}}
  '**': {{access: $all, publish: $all}}
log: {{type: stdout, format: pretty, level: error}}
max_body_size: 100mb
publish: {{allow_offline: true}}
security: {{api: {{jwt: {{sign: {{expiresIn: 1d}}}}}}}}
web: {site}
"""
