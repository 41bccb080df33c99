"""Which real clients keep their credentials from another host, as `client_kind` has it."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from shared.domain.archives.delivery import ClientKind, PullProtocol, client_kind
from tests.clients.aether import Aether
from tests.support.server import served_app

CONTENT = b"archive"
CHALLENGE = {"WWW-Authenticate": 'Basic realm="Ballroom"'}


@dataclass
class Hop:
    """A host that notes which credentials and `User-Agent` arrive with an answered request."""

    location: str = ""  # Of a redirect; where there is none, the host sends the content.
    arrived: list[tuple[str | None, str]] = field(default_factory=list[tuple[str | None, str]])

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._answer)])

    async def _answer(self, request: Request) -> Response:
        credentials = request.headers.get("authorization")
        if self.location and credentials is None:
            return Response(status_code=401, headers=CHALLENGE)
        self.arrived.append((credentials, request.headers.get("user-agent", "")))
        return RedirectResponse(self.location, 302) if self.location else Response(CONTENT)


@dataclass(frozen=True)
class Hops:
    """A registry, and a store of another host that it redirects to."""

    url: str
    registry: Hop
    store: Hop

    def kind(self, protocol: PullProtocol) -> ClientKind:
        """Return what the product takes the client of the last request for."""
        credentials, agent = self.registry.arrived[-1]
        assert credentials
        return client_kind(protocol, authorization=credentials, agent=agent)


@pytest.fixture
def hops() -> Iterator[Hops]:
    store = Hop()
    with served_app(store.app) as there:
        registry = Hop(f"http://localhost:{there.port}/blob?sig=a%2Fb")
        with served_app(registry.app) as here:
            yield Hops(here.url, registry, store)


def test_maven_resolver_answers_a_challenge_of_one_host_alone(aether: Aether, hops: Hops) -> None:
    command = ("pull", f"{hops.url}/2.0/maven", "ann", "token", "acme", "greet", "1.0.0")
    outcome, _, file = aether.run(command).partition("\t")
    assert outcome == "ok", file
    assert Path(file).read_bytes() == CONTENT
    assert hops.store.arrived == [(None, "Aether")]
    assert hops.kind(PullProtocol.MAVEN) is ClientKind.WITHOUT_AUTHORIZATION


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not here")
@pytest.mark.parametrize("protocol", PullProtocol)
@pytest.mark.parametrize(
    "options", [("--user", "ann:token"), ("--header", "Authorization: Bearer token")]
)
def test_curl_sends_credentials_to_one_host_alone(
    hops: Hops, protocol: PullProtocol, options: tuple[str, ...]
) -> None:
    command = ["curl", "--silent", "--show-error", "--fail", "--location", *options, hops.url]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert done.stdout == CONTENT
    [(credentials, agent)] = hops.store.arrived
    assert (credentials, agent.partition("/")[0]) == (None, "curl")
    assert hops.kind(protocol) is ClientKind.WITHOUT_AUTHORIZATION
