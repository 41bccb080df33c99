"""A part of a package's name may start with a digit, on every face."""

import json

from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.world import URL, World


async def test_every_face_knows_a_name_with_digits_after_a_dot(world: World) -> None:
    package = "acme/testPolicy3.1"
    await world.push(bala(f"{package}:1.0.0"))
    assert (await world.get(f"/packages/{package}")).json() == ["1.0.0"]
    pulled = await world.get(f"/packages/{package}/1.0.0", headers=dict(ACCEPT_ARCHIVE))
    assert pulled.headers["Content-Disposition"].endswith("-testPolicy3.1-any-1.0.0.bala")
    assert (await world.get(pulled.headers["Location"])).status_code == 200
    folder = f"{URL}/2.0/maven/{package}"
    for path in (
        f"{folder}/maven-metadata.xml",
        f"{folder}/1.0.0/testPolicy3.1-1.0.0.pom",
        f"{URL}/index/{package}/index.json",
        f"{URL}/packages/{package}",
        f"{URL}/packages/{package}/1.0.0",
    ):
        assert (await world.get(path)).status_code == 200, path
    query = '{ package(orgName: "acme", packageName: "testPolicy3.1", version: "") { version } }'
    answer = await world.send(
        "POST", f"{URL}/2.0/graphql", content=json.dumps({"query": query}).encode()
    )
    assert answer.json()["data"]["package"] == {"version": "1.0.0"}
