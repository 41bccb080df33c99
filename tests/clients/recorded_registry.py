"""A registry on a port of its own, which keeps a list of what it was asked."""

import asyncio
import shutil
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from shared.bootstrap.build import build_registry
from shared.hosting.http_server.connection import ConnectionTimeouts
from shared.hosting.http_server.server import bind
from shared.hosting.requests import ASGIApp, Message, Receive, Scope, Send
from shared.localhost import build_host
from shared.registry import Registry
from tests.support.server import served_app
from tests.support.world import People, Person, Template, settings_of, token_of


@dataclass(frozen=True)
class Request:
    """What a client sent, and how it was answered."""

    method: str
    path: str
    headers: dict[str, str]
    status: int

    @property
    def is_authorized(self) -> bool:
        """Say whether it carried credentials."""
        return "authorization" in self.headers


@dataclass
class Recorder:
    """Stands before an application and notes what passes."""

    app: ASGIApp
    requests: list[Request] = field(default_factory=list[Request])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer, and note how."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = {key.decode(): value.decode("latin-1") for key, value in scope["headers"]}
                path = scope["raw_path"].decode()
                self.requests.append(Request(scope["method"], path, headers, message["status"]))
            await send(message)

        await self.app(scope, receive, noting)


@dataclass(frozen=True)
class Served:
    """A registry that listens, and its people."""

    url: str
    people: People
    recorder: Recorder

    @property
    def maven(self) -> str:
        """Return the address of the Maven repository."""
        return f"{self.url}/2.0/maven"

    def take_requests(self) -> list[Request]:
        """Return what was asked since the last call."""
        taken = list(self.recorder.requests)
        self.recorder.requests.clear()
        return taken


@contextmanager
def served(
    template: Template, folder: Path, *, timeouts: ConnectionTimeouts | None = None, **settings: Any
) -> Generator[Served]:
    """Serve a copy of the template as `make run` serves a data folder."""
    shutil.copytree(template.folder, folder)
    bound = bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    recorder = Recorder(build_host(settings_of(folder, url=url, **settings)))
    people = with_tokens_of_today(folder, template.people)
    with served_app(recorder, at=bound, timeouts=timeouts):
        yield Served(url, people, recorder)


def with_tokens_of_today(folder: Path, people: People) -> People:
    """Give each a new token: those of the template are of the day that the clock of tests has."""

    async def issued() -> People:
        registry = build_registry(settings_of(folder))
        each = {
            field.name: await _renewed(registry, getattr(people, field.name))
            for field in fields(People)
        }
        await registry.close()
        return People(**each)

    with ThreadPoolExecutor(1) as thread:  # The caller's own may run a loop already.
        return thread.submit(asyncio.run, issued()).result()


async def _renewed(registry: Registry, person: Person) -> Person:
    return replace(person, token=await token_of(registry, person.account))
