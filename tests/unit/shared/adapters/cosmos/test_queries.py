"""Queries that are sent without the layers of the client library."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.cosmos import auth
from azure.cosmos.aio import ContainerProxy, CosmosClient

from shared.adapters.cosmos.client import DATABASE, CosmosContainer, CosmosDatabase
from shared.adapters.cosmos.queries import ANY_REPLICA, SessionTokens, query_directly
from shared.adapters.system import SystemRandomness
from tests.fakes.cosmos.protocol import CosmosDouble, Request
from tests.fakes.cosmos.transport import DoubleTransport, Trouble
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import CloudDouble, account, double_of

PK = "acme/greet"
QUERY = {"query": "SELECT * FROM c WHERE c.n > @n", "parameters": [{"name": "@n", "value": 0}]}


def container_of(folder: Path, troubles: Callable[[Request], Trouble | None]) -> CosmosContainer:
    stores = CloudDouble(folder, FakeClock(), transport=lambda it: DoubleTransport(it, troubles))
    return CosmosDatabase(stores.cosmos, SystemRandomness()).container("packages")


def queries(double: CosmosDouble) -> list[Request]:
    return [each for each in double.requests if each.says("x-ms-documentdb-isquery")]


async def test_a_query_takes_one_request(tmp_path: Path) -> None:
    packages = container_of(tmp_path, lambda _: None)
    await packages.put({"id": "head", "pk": PK, "n": 1})
    await packages.put({"id": "head", "pk": "acme/other", "n": 2})
    double = double_of(tmp_path, FakeClock())
    double.requests.clear()

    [found] = await packages.query("SELECT * FROM c WHERE c.n > @n", PK, n=0)

    assert found["pk"] == PK
    [sent] = double.requests
    assert sent.header("x-ms-documentdb-partitionkey") == '["acme/greet"]'
    assert "x-ms-client-id" not in sent.headers  # Of the client library's layers.
    await packages.cosmos.close()


async def test_all_pages_are_read(tmp_path: Path) -> None:
    packages = container_of(tmp_path, lambda _: None)
    for number in range(1, 6):
        await packages.put({"id": f"item{number}", "pk": PK, "n": number})
    proxy = packages.cosmos.proxy("packages")

    in_one = await query_directly(proxy, QUERY, PK, 2)
    in_all = await query_directly(proxy, QUERY, None, 2)

    for found in (in_one, in_all):
        assert found is not None
        assert sorted(each["n"] for each in found) == [1, 2, 3, 4, 5]
    assert len(queries(double_of(tmp_path, FakeClock()))) == 6
    await packages.cosmos.close()


@pytest.mark.parametrize("trouble", Trouble)
async def test_the_client_library_asks_again_after_a_failure(
    tmp_path: Path, trouble: Trouble
) -> None:
    failed = list[Request]()

    def fail_once(request: Request) -> Trouble | None:
        if failed or not request.says("x-ms-documentdb-isquery"):
            return None
        failed.append(request)
        return trouble

    packages = container_of(tmp_path, fail_once)
    await packages.put({"id": "head", "pk": PK, "n": 1})

    assert len(await packages.query("SELECT * FROM c WHERE c.n > @n", PK, n=0)) == 1
    assert "x-ms-client-id" not in failed[0].headers
    assert "x-ms-client-id" in queries(double_of(tmp_path, FakeClock()))[-1].headers
    await packages.cosmos.close()


async def test_a_query_is_signed_as_by_the_client_library(tmp_path: Path) -> None:
    packages = container_of(tmp_path, lambda _: None)
    proxy = packages.cosmos.proxy("packages")

    await query_directly(proxy, QUERY, PK, 10)

    [sent] = queries(double_of(tmp_path, FakeClock()))
    sign: Any = auth._get_authorization_header  # pyright: ignore[reportPrivateUsage]
    link = proxy.container_link
    expected = sign(proxy.client_connection, "post", "", link, True, "docs", sent.headers)
    assert sent.header("authorization") == quote(expected, safe="-_.!~*'()")
    await packages.cosmos.close()


class Identity(AsyncTokenCredential):
    """An identity that gets a token, as in Azure."""

    async def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken("secret", 2_000_000_000)

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    async def __aexit__(self, *_: object, **__: object) -> None:
        """Do nothing: there is no connection."""


async def test_an_identity_signs_in() -> None:
    double = account(FakeClock())
    client = CosmosClient(double.address, Identity(), transport=DoubleTransport(double))
    proxy: ContainerProxy = client.get_database_client(DATABASE).get_container_client("packages")

    assert await query_directly(proxy, QUERY, PK, 10) == []

    [sent] = double.requests
    assert sent.header("authorization") == "type=aad&ver=1.0&sig=secret"
    await client.close()


# --- session tokens ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "last_changes"),
    [
        ("0:12", {"0": 12}),  # As earlier versions of the service wrote them.
        ("0:-1#12", {"0": 12}),
        ("3:1#12#4=8#5=7", {"3": 12}),
        ("0:-1#12,1:-1#9", {"0": 12, "1": 9}),
        ("", {}),
        ("0:soon,1:-1#9", {"1": 9}),
    ],
)
def test_tokens_say_how_far_each_range_came(text: str, last_changes: dict[str, int]) -> None:
    assert SessionTokens.parse(text).last_changes == last_changes


@pytest.mark.parametrize(
    ("answered", "is_used"),
    [("0:-1#12", True), ("0:-1#13", True), ("0:-1#11", False), ("2:-1#50", False), ("", False)],
)
def test_an_answer_is_used_if_its_range_came_as_far(answered: str, *, is_used: bool) -> None:
    session = SessionTokens.parse("0:-1#12,1:-1#9")
    headers = {"x-ms-session-token": answered} if answered else {}
    assert session.are_included_in(headers) == is_used


def test_any_replica_may_answer_where_nothing_has_to_be_included() -> None:
    assert ANY_REPLICA.headers() == {"x-ms-consistency-level": "Eventual"}
    assert ANY_REPLICA.are_included_in({})
