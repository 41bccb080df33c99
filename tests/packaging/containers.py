"""The image as a container: a root that cannot be written, process 1, and a user without root.

It takes root and buildah, and no daemon.
"""

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.processes import free_port

BOUND_SECONDS = 60.0
STOP_SECONDS = 10.0  # That engines give a container before they kill it.
BUILDAH = {**os.environ, "BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs"}
ID = "3f2a90c1d2e4"

# Runs as process 1 of its own processes, mounts and names.
_START = """
set -eu
root=$1; data=$2; shift 2
mount --bind "$root" "$root"
mount --rbind /dev "$root/dev"
mount --bind "$data" "$root/data"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
hostname "$0"
exec chroot --userspec=10001:10001 "$root" /usr/bin/env -i "$@"
"""


@dataclass(frozen=True)
class Image:
    """An image whose files are in a folder."""

    root: Path
    user: str
    environment: tuple[str, ...]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    health: tuple[str, ...]
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Container:
    """A container that is running."""

    image: Image
    process: "subprocess.Popen[bytes]"
    url: str
    data: Path
    log: Path

    def printed(self) -> str:
        return self.log.read_text()

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container, as `docker exec` does."""
        return subprocess.run(
            ["nsenter", f"--target={self._first()}", "--all", "--", *self._inside(command)],
            capture_output=True,
            text=True,
            check=False,
            timeout=BOUND_SECONDS,
        )

    def engine(self, folder: Path) -> Path:
        """Write a program `docker` whose `exec` reaches this container; return its folder."""
        words = shlex.join(
            ["nsenter", f"--target={self._first()}", "--all", "--", *self._inside(())]
        )
        script = folder / "docker"
        script.write_text(
            f'#!/bin/sh\n[ "$1 $2" = "exec {ID}" ] || exit 3\nshift 2\n{words} "$@"\n'
        )
        script.chmod(0o755)
        return folder

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal to process 1 and return its exit code; raises after ten seconds."""
        os.kill(self._first(), number)
        return self.process.wait(STOP_SECONDS)

    def _inside(self, command: tuple[str, ...]) -> list[str]:
        settings = (*self.image.environment, f"PORT={self.url.rpartition(':')[2]}")
        chroot = ["chroot", f"--userspec={self.image.user}", str(self.image.root), "/usr/bin/env"]
        return [*chroot, "-i", *settings, *command]

    def _first(self) -> int:
        """Return the number that process 1 has outside."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(children.read_text().split()[0])


def unpacked(name: str) -> Image:
    """Unpack an image that buildah has, and read its configuration."""
    container = _buildah("from", name)
    inspected = json.loads(_buildah("inspect", "--type", "image", name))
    config = inspected["Docker"]["config"]
    return Image(
        root=Path(_buildah("mount", container)),
        user=config["User"],
        environment=tuple(config["Env"]),
        entrypoint=tuple(config["Entrypoint"]),
        command=tuple(config["Cmd"]),
        health=tuple(config["Healthcheck"]["Test"]),
        labels=config["Labels"],
    )


@contextmanager
def started(image: Image, data: Path, **settings: str) -> Generator[Container]:
    """Run an image with a volume until the block ends; wait until it is ready."""
    data.mkdir(exist_ok=True)
    os.chown(data, *map(int, image.user.split(":")))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    given = {"PORT": str(port), "BALLROOM_URL": url, "BALLROOM_HOST": "127.0.0.1", **settings}
    environment = [*image.environment, *(f"{name}={value}" for name, value in given.items())]
    log = data.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                "unshare",
                "--pid",
                "--mount",
                "--uts",
                "--fork",
                "--kill-child",
                "--",
                "sh",
                "-c",
                _START,
                ID,
                str(image.root),
                str(data),
                *environment,
                *image.entrypoint,
                *image.command,
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    container = Container(image, process, url, data, log)
    try:
        _wait_until_ready(container)
        yield container
    finally:
        if process.poll() is None:
            container.stop(signal.SIGKILL)


def _wait_until_ready(container: Container) -> None:
    transport = httpx.HTTPTransport(retries=10)  # Waits longer before each.
    with httpx.Client(transport=transport, timeout=BOUND_SECONDS, trust_env=False) as client:
        answer = client.get(f"{container.url}/health/ready")
    assert answer.status_code == 200, container.printed()


def _buildah(*arguments: str) -> str:
    done = subprocess.run(
        ["buildah", *arguments], env=BUILDAH, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
