"""Asks a registry for names that other registries have too, and notes whom it calls meanwhile.

`python -m tests.security.confused_names FOLDER` writes every address that was looked up or
connected to, a line each, and at last what it found by a call of its own, which shows that calls
are noted.
"""

import asyncio
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import cycle
from pathlib import Path

from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from tests.protocol.bal.failures import ClientFailure
from tests.sampling import FULL
from tests.security.package_probes import READING
from tests.support.archives import bala
from tests.support.world import World, make_template

CALLS = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
NAMES = ("greet", "absent", "withdrawn")


def listen(noted: list[str]) -> Callable[[str, tuple[object, ...]], None]:
    """Return a hook that writes down every call to another machine."""

    def hook(event: str, details: tuple[object, ...]) -> None:
        if event in CALLS:
            noted.append(f"{event} {details}")

    return hook


async def ask_everything(world: World) -> None:
    """Ask every way there is for what is here, was here, and never was, in each organization."""
    await world.push(bala("acme/greet:1.0.0", dependencies=["acme/absent:9.9.9"], tools=["greet"]))
    await world.push(bala("acme/withdrawn:1.0.0"))
    gone = Coordinate.parse("acme", "withdrawn", "1.0.0")
    await world.registry.publishing.moderation.remove(gone, "A test.", by=OPERATOR)
    names = cycle(NAMES)  # One after the other, unless whole tables are wanted.
    for probes in READING.values():
        for probe in probes:
            for name in NAMES if FULL else (next(names),):
                await world.http.send(probe.about(name))
    for client in (world.java(world.people.ann), world.go(world.people.ann)):
        for package in ("acme/greet", "acme/absent", "ballerina/io", "other/greet"):
            for asked in (client.versions(package), client.pull(f"{package}:9.9.9")):
                with suppress(ClientFailure):
                    await asked
    for task in world.registry.maintenance.task_runner.tasks:
        await world.registry.maintenance.task_runner.run(task)


async def run(folder: Path) -> None:
    template = await asyncio.to_thread(make_template, folder / "template")
    noted: list[str] = []
    async with template.world(folder / "data") as world:
        sys.addaudithook(listen(noted))
        await ask_everything(world)
    sys.stdout.write("".join(f"called: {line}\n" for line in noted))
    noted.clear()
    with socket.socket() as own, suppress(OSError):
        own.connect(("127.0.0.1", 9))
    sys.stdout.write(f"noted: {noted}\n")


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
