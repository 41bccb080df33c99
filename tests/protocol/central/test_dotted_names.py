"""Names of organizations and packages that the compiler takes and few have, on every face."""

import pytest

from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.world import URL, World


@pytest.mark.parametrize(
    "package", ["acme/testPolicy3.1", "2go/greet", "9/greet", "_x/greet", "a__b/greet", "x_/greet"]
)
async def test_every_face_knows_a_name_that_the_compiler_takes(world: World, package: str) -> None:
    org, name = package.split("/")
    await world.push(bala(f"{package}:1.0.0"), by=world.people.admin)
    assert (await world.get(f"/packages/{package}")).json() == ["1.0.0"]
    pulled = await world.get(f"/packages/{package}/1.0.0", headers=dict(ACCEPT_ARCHIVE))
    assert pulled.headers["Content-Disposition"].endswith(f"-{name}-any-1.0.0.bala")
    assert (await world.get(pulled.headers["Location"])).status_code == 200
    folder = f"{URL}/2.0/maven/{package}"
    for path in (
        f"{folder}/maven-metadata.xml",
        f"{folder}/1.0.0/{name}-1.0.0.pom",
        f"{URL}/index/{package}/index.json",
        f"{URL}/packages/{package}",
        f"{URL}/packages/{package}/1.0.0",
    ):
        assert (await world.get(path)).status_code == 200, path
    query = f'{{ package(orgName: "{org}", packageName: "{name}", version: "") {{ version }} }}'
    answer = await world.send("POST", f"{URL}/2.0/graphql", json={"query": query})
    assert answer.json()["data"]["package"] == {"version": "1.0.0"}


@pytest.mark.parametrize("name", ["1acme", "_x", "x_", "a__b"])
async def test_nobody_but_an_administrator_gives_such_a_name(world: World, name: str) -> None:
    for person, status in ((world.people.bob, 400), (world.people.admin, 201)):
        answer = await world.send("POST", f"{URL}/api/v1/orgs", by=person, json={"name": name})
        assert answer.status_code == status, answer.text
