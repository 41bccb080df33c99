"""Servers to measure: this registry, the bare server under it, and its peers."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.paths import ROOT
from tests.support import registry_process
from tests.support.processes import free_port, listens, running_program
from tests.support.registry_process import administrator_token

PEERS = ROOT / ".venvs" / "peers"  # Installed once, kept out of the repository.
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

    @property
    def token(self) -> str:
        """Return the token of the administrator of a registry."""
        return administrator_token(self.folder / "data")


@contextmanager
def running_server(
    name: str,
    command: Sequence[str],
    *,
    port: int,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    root: Path = ROOT,
) -> Generator[Server]:
    """Run a server, with its log in the folder, until the block ends."""
    with (
        (folder / f"{name}.log").open("wb") as log,
        running_program(
            command,
            lambda: listens(port),
            root=root,
            environment={**os.environ, **(environment or {})},
            log=log,
        ) as program,
    ):
        yield Server(name, f"http://127.0.0.1:{port}", program.process.pid, folder)


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
    environment = {
        "PORT": str(port),
        "WORKERS": str(workers),
        "BALLROOM_DATA": str(folder / "data"),
        **UNLIMITED,
        **{f"BALLROOM_{key.upper()}": value for key, value in settings.items()},
    }
    command = [str(python), "-m", "shared.localhost"]
    with running_server(
        "ballroom", command, port=port, folder=folder, environment=environment, root=root
    ) as server:
        yield server


@contextmanager
def bare(folder: Path) -> Generator[Server]:
    """Run Starlette alone under the same server."""
    port = free_port()
    command = [sys.executable, "-m", "bench.support.bare_starlette", str(port), str(folder)]
    with running_server("bare", command, port=port, folder=folder) as server:
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
    with running_server("verdaccio", command, port=port, folder=folder) as server:
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
    with running_server("pypiserver", command, port=port, folder=folder) as server:
        yield server


def create_organization(server: Server, client: httpx.Client, org: str, **profile: str) -> None:
    """Create an organization of the administrator, or raise."""
    headers = {"Authorization": f"Bearer {server.token}"}
    body = {"name": org, **profile}
    client.post(f"{server.url}/api/v1/orgs", headers=headers, json=body).raise_for_status()


def push(server: Server, client: httpx.Client, archive: bytes) -> None:
    """Publish an archive as the administrator, or raise."""
    registry_process.push(server.url, server.token, archive, client).raise_for_status()


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
