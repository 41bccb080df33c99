"""npm 2023, PyPI 2026: what is said beside an archive is never believed, and must not differ."""

import pytest

from tests.protocol.bal.okhttp import BOUNDARY, multipart
from tests.protocol.central.answers import answered
from tests.support.archives import bala
from tests.support.world import World

GREET = "acme/greet:1.0.0"
LIES = [
    "evil-other-java11-9.9.9.bala",
    "acme-greet-any-9.9.9.bala",
    "../../../etc/passwd",
    'greet.bala"; name="digest',
    "",
]


@pytest.mark.parametrize("file_name", LIES)
async def test_the_name_of_the_upload_changes_nothing(world: World, file_name: str) -> None:
    form = multipart(file_name.replace('"', "%22"), bala(GREET))
    assert (await world.upload(form, by=world.people.ann)).status_code == 204
    model = answered(await world.get("/packages/acme/greet/1.0.0"))
    assert (model["organization"], model["name"], model["version"]) == ("acme", "greet", "1.0.0")
    assert model["platform"] == "any"
    assert model["balaURL"].endswith("/1.0.0/acme-greet-any-1.0.0.bala")


@pytest.mark.parametrize(
    "headers",
    [
        {"Ballerina-Platform": "java11"},
        {"User-Agent": "2101.1.0"},
        {"X-Package-Name": "evil", "X-Package-Version": "9.9.9"},
        {"organization": "ballerina", "version": "9.9.9"},
    ],
)
async def test_headers_change_nothing(world: World, headers: dict[str, str]) -> None:
    form = multipart("greet.bala", bala(GREET))
    assert (await world.upload(form, by=world.people.ann, headers=headers)).status_code == 204
    model = answered(await world.get("/packages/acme/greet/1.0.0"))
    assert (model["name"], model["version"]) == ("greet", "1.0.0")
    assert (model["platform"], model["ballerinaVersion"]) == ("any", "2201.12.0")


async def test_a_second_part_changes_nothing(world: World) -> None:
    evil = bala("acme/evil:1.0.0")
    form = multipart("greet.bala", bala(GREET)).removesuffix(f"--{BOUNDARY}--\r\n".encode())
    form += multipart("evil.bala", evil)
    assert (await world.upload(form, by=world.people.ann)).status_code == 204
    assert (await world.get("/packages/acme/greet/1.0.0")).status_code == 200
    assert (await world.get("/packages/acme/evil/1.0.0")).status_code == 404
