"""What Azure is asked for when copies at Front Door are to be withdrawn."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from shared.adapters.azure_services import PATHS_PER_REQUEST, FrontDoor
from shared.domain.errors.requests import Busy
from shared.ports import HttpResponse, Unanswered
from tests.fakes.azure_identity import Identity, Stranger

ENDPOINT = (
    "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Cdn/profiles/afd/afdEndpoints/ballroom"
)
COPIES = "/archives/public/abc/"


@dataclass
class Management:
    """Azure's management, which takes every order unless it is told otherwise."""

    status: int = 202
    is_silent: bool = False
    posted: list[tuple[str, Mapping[str, str], bytes]] = field(
        default_factory=list[tuple[str, Mapping[str, str], bytes]]
    )

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        raise Unanswered

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Take the order."""
        self.posted.append((url, headers, body))
        if self.is_silent:
            raise Unanswered
        return HttpResponse(self.status, {}, b"")


async def test_the_endpoint_is_asked_to_purge_what_is_below_the_paths() -> None:
    management = Management()
    await FrontDoor(ENDPOINT, management, Identity).forget([COPIES])
    [(url, headers, body)] = management.posted
    assert url == f"https://management.azure.com{ENDPOINT}/purge?api-version=2024-02-01"
    assert headers["Authorization"] == "Bearer token of https://management.azure.com/.default"
    assert json.loads(body) == {"contentPaths": [f"{COPIES}*"]}


async def test_many_paths_are_several_orders() -> None:
    management = Management()
    paths = [f"/archives/public/{number}/" for number in range(2 * PATHS_PER_REQUEST + 1)]
    await FrontDoor(ENDPOINT, management, Identity).forget(paths)
    sent = [json.loads(body)["contentPaths"] for _, _, body in management.posted]
    assert [len(each) for each in sent] == [PATHS_PER_REQUEST, PATHS_PER_REQUEST, 1]
    assert [path for each in sent for path in each] == [f"{path}*" for path in paths]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
async def test_an_order_that_is_refused_is_not_forgotten(status: int) -> None:
    with pytest.raises(Busy):
        await FrontDoor(ENDPOINT, Management(status), Identity).forget([COPIES])


async def test_silence_is_no_consent() -> None:
    with pytest.raises(Busy):
        await FrontDoor(ENDPOINT, Management(is_silent=True), Identity).forget([COPIES])


async def test_without_an_identity_nothing_is_sent() -> None:
    management = Management()
    with pytest.raises(Busy):
        await FrontDoor(ENDPOINT, management, Stranger).forget([COPIES])
    assert management.posted == []
