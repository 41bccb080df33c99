"""The identity of the app in Azure: whose tokens it gets, and what it does without one."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from shared.auth.entra import bearer, managed_identity
from shared.ports.http_client import Unanswered
from tests.fakes.azure_identity import Identity, Stranger
from tests.support.server import served_app


@dataclass
class IdentityEndpoint:
    """The endpoint where an app in Azure gets its tokens, and what it was asked."""

    status: int = 200
    asked: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    async def token(self, request: Request) -> JSONResponse:
        """Return a token to the machine that knows the header."""
        self.asked.append(dict(request.query_params))
        if self.status != 200 or request.headers.get("x-identity-header") != "the machine's own":
            return JSONResponse({"error": "no"}, self.status)
        body = {"access_token": "assertion", "expires_on": "4000000000", "resource": "r"}
        return JSONResponse(body)


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityEndpoint]:
    """Serve it where an app finds it."""
    served = IdentityEndpoint()
    with served_app(Starlette(routes=[Route("/token", served.token)])) as address:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{address.url}/token")
        monkeypatch.setenv("IDENTITY_HEADER", "the machine's own")
        yield served


async def test_a_token_is_for_one_service() -> None:
    header = await bearer("https://vault.azure.net", Identity)
    assert header == "Bearer token of https://vault.azure.net/.default"


async def test_an_identity_that_gets_no_token_is_no_answer() -> None:
    with pytest.raises(Unanswered, match=r"^ClientAuthenticationError$"):
        await bearer("https://vault.azure.net", Stranger)


CLIENT = "22222222-2222-3333-4444-555555555555"


@pytest.mark.parametrize(("name", "asked"), [("system", {}), (CLIENT, {"client_id": CLIENT})])
async def test_a_managed_identity_vouches_for_the_application(
    endpoint: IdentityEndpoint, name: str, asked: dict[str, str]
) -> None:
    assert await asyncio.to_thread(managed_identity(name)) == "assertion"
    [query] = endpoint.asked
    resource = {"resource": "api://AzureADTokenExchange"}
    assert {each: query[each] for each in query if each != "api-version"} == {**resource, **asked}


async def test_a_managed_identity_without_a_token_is_no_answer_and_is_asked_once(
    endpoint: IdentityEndpoint,
) -> None:
    endpoint.status = 500
    with pytest.raises(Unanswered, match=r"^CredentialUnavailableError$|^HttpResponseError$"):
        await asyncio.to_thread(managed_identity("33333333-2222-3333-4444-555555555555"))
    assert len(endpoint.asked) == 1


async def test_no_proxy_sees_the_token_of_a_managed_identity(
    endpoint: IdentityEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert await asyncio.to_thread(managed_identity("system")) == "assertion"
    assert len(endpoint.asked) == 1
