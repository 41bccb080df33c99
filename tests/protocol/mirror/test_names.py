"""A name belongs to one registry: the upstream is never asked for ours, on any path."""

import pytest

from shared.domain.names import parse_org
from shared.domain.organizations import NameOwner, name_owner_place
from shared.domain.principals import OPERATOR
from tests.protocol.bal.failures import ClientFailure
from tests.support.archives import bala
from tests.support.mirrors import PULL, modules, resolve
from tests.support.upstreams import FakeUpstream
from tests.support.world import URL, World

pytestmark = pytest.mark.measured

# Of an organization of ours: packages that are there, private or missing.
PATHS = [
    "/packages/acme/{name}",
    "/packages/acme/{name}/1.0.0",
    "/packages/acme/{name}/9.9.9",
    "/packages/acme/{name}/*",
    "/packages/acme/{name}/1.*",
    "/packages/acme",
    "/packages?q=org:acme",
    URL + "/index/acme/{name}/index.json",
    URL + "/2.0/maven/acme/{name}/maven-metadata.xml",
    URL + "/2.0/maven/v2201-12-0/acme/{name}/maven-metadata.xml",
    URL + "/2.0/maven/acme/{name}/9.9.9/{name}-9.9.9.bala",
    URL + "/2.0/maven/acme/{name}/9.9.9/{name}-9.9.9-depgraph.json",
    URL + "/packages/acme/{name}",
    URL + "/packages/acme/{name}/9.9.9",
    URL + "/2.0/docs/acme/{name}/9.9.9",
    URL + "/api/v1/packages/acme/{name}/9.9.9",
]


@pytest.mark.parametrize("headers", [{}, PULL])
@pytest.mark.parametrize("name", ["greet", "secret", "missing"])
async def test_the_upstream_is_never_asked_for_an_organization_of_ours(
    mirror: World, upstream: FakeUpstream, name: str, headers: dict[str, str]
) -> None:
    upstream.publish("acme/greet:9.9.9")
    upstream.publish("acme/missing:9.9.9")
    await mirror.push(bala("acme/greet:1.0.0"))
    await mirror.push(bala("acme/secret:1.0.0", visibility="private"))
    for path in PATHS:
        await mirror.get(path.format(name=name), headers=headers)
    await resolve(mirror, f"acme/{name}")
    await modules(mirror, f"acme/{name}")
    await mirror.send("POST", "/tools/resolve-dependencies", content=b'{"tools":[{"id":"acme"}]}')
    await mirror.get("/tools/acme")
    assert upstream.total == 0


async def test_a_deleted_organization_stays_ours(mirror: World, upstream: FakeUpstream) -> None:
    upstream.publish("gone/greet:1.0.0")
    await mirror.create_organization("gone")
    await mirror.registry.organizations.deletion.delete(
        parse_org("gone"), by=OPERATOR, reason="It was decided."
    )
    assert (await mirror.get("/packages/gone/greet/1.0.0", headers=PULL)).status_code == 404
    assert upstream.total == 0


async def test_a_name_is_the_upstreams_only_with_a_stored_release(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.publish("company/greet:1.0.0")
    await mirror.get("/packages/company/greet")
    await mirror.get("/packages/company/greet/1.0.0")
    await mirror.create_organization("company")
    place = name_owner_place("company")
    owner = await mirror.stores.directory.get(NameOwner, place)
    assert owner is not None
    assert owner.upstream == ""


async def test_two_mirrors_that_point_at_each_other_stop(
    mirror: World, upstream: FakeUpstream
) -> None:
    headers = {"Via": "1.1 elsewhere, 1.1 registry.test (a comment)"}
    assert (await mirror.get("/packages/ballerina/io", headers=headers)).status_code == 404
    assert upstream.total == 0
    await mirror.get("/packages/ballerina/io", headers={"Via": "1.1 elsewhere"})
    assert upstream.headers[0]["via"] == "1.1 elsewhere, 1.1 registry.test"


async def test_of_versions_that_differ_in_case_a_mirror_serves_the_first_that_was_asked_for(
    mirror: World, upstream: FakeUpstream
) -> None:
    for version in ("1.0.0-RC1", "1.0.0-rc1"):
        upstream.publish(f"theirs/greet:{version}")
    assert (await mirror.java().pull("theirs/greet:1.0.0-rc1")).content
    with pytest.raises(ClientFailure, match=r"differs from the version 1\.0\.0-rc1"):
        await mirror.java().pull("theirs/greet:1.0.0-RC1")
    assert (await mirror.java().pull("theirs/greet:1.0.0-rc1")).content
