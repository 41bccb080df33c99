"""The identity of the app in Azure: whose tokens it gets, and what it does without one."""

import asyncio

import pytest
from azure.identity.aio import DefaultAzureCredential
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from shared.auth.azure_identity import app_identity, bearer, managed_identity
from shared.ports import Unanswered
from tests.fakes.azure_identity import Identity, Stranger
from tests.support.server import running


async def test_the_app_signs_in_as_what_azure_made_it() -> None:
    async with app_identity() as identity:
        assert isinstance(identity, DefaultAzureCredential)


async def test_a_token_is_for_one_service() -> None:
    header = await bearer("https://vault.azure.net", Identity)
    assert header == "Bearer token of https://vault.azure.net/.default"


async def test_an_identity_that_gets_no_token_is_no_answer() -> None:
    with pytest.raises(Unanswered, match=r"^ClientAuthenticationError$"):
        await bearer("https://vault.azure.net", Stranger)


async def test_a_managed_identity_vouches_for_the_application(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def token(request: Request) -> JSONResponse:
        asked.append(request.query_params["resource"])
        if request.headers.get("x-identity-header") != "the machine's own":
            return JSONResponse({"error": "no"}, 400)
        return JSONResponse(
            {"access_token": "assertion", "expires_on": "4000000000", "resource": "r"}
        )

    with running(Starlette(routes=[Route("/token", token)])) as address:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{address.url}/token")
        monkeypatch.setenv("IDENTITY_HEADER", "the machine's own")
        for identity in ("system", "22222222-2222-3333-4444-555555555555"):
            assert await asyncio.to_thread(managed_identity(identity)) == "assertion"
        monkeypatch.setenv("IDENTITY_HEADER", "another machine's")
        with pytest.raises(Unanswered):
            await asyncio.to_thread(managed_identity("33333333-2222-3333-4444-555555555555"))
    assert set(asked) == {"api://AzureADTokenExchange"}
