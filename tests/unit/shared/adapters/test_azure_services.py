"""What Azure is asked for when copies at Front Door are to be withdrawn."""

import json

import pytest

from shared.adapters.azure_services import PATHS_PER_REQUEST, FrontDoor
from shared.domain.errors.requests import Busy
from tests.fakes.azure_identity import Identity, Stranger
from tests.fakes.http_client import OneAnswer, answering

ENDPOINT = (
    "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Cdn/profiles/afd/afdEndpoints/ballroom"
)
COPIES = "/archives/public/abc/"


async def test_the_endpoint_is_asked_to_purge_what_is_below_the_paths() -> None:
    management = answering(202)
    await FrontDoor(ENDPOINT, management, Identity).forget([COPIES])
    [(url, headers, body)] = management.requests
    assert url == f"https://management.azure.com{ENDPOINT}/purge?api-version=2024-02-01"
    assert headers["Authorization"] == "Bearer token of https://management.azure.com/.default"
    assert json.loads(body) == {"contentPaths": [f"{COPIES}*"]}


async def test_many_paths_are_several_orders() -> None:
    management = answering(202)
    paths = [f"/archives/public/{number}/" for number in range(2 * PATHS_PER_REQUEST + 1)]
    await FrontDoor(ENDPOINT, management, Identity).forget(paths)
    sent = [json.loads(body)["contentPaths"] for _, _, body in management.requests]
    assert [len(each) for each in sent] == [PATHS_PER_REQUEST, PATHS_PER_REQUEST, 1]
    assert [path for each in sent for path in each] == [f"{path}*" for path in paths]


REFUSALS = [answering(status) for status in (400, 401, 403, 404, 429, 500)]


@pytest.mark.parametrize("management", [*REFUSALS, OneAnswer(None)])
async def test_an_order_that_is_refused_or_not_answered_is_not_forgotten(
    management: OneAnswer,
) -> None:
    with pytest.raises(Busy):
        await FrontDoor(ENDPOINT, management, Identity).forget([COPIES])


async def test_without_an_identity_nothing_is_sent() -> None:
    management = answering(202)
    with pytest.raises(Busy):
        await FrontDoor(ENDPOINT, management, Stranger).forget([COPIES])
    assert management.requests == []
