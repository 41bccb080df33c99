"""Private packages: members use them; for everybody else they do not exist."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
import pytest

from shared.domain.names import parse_org
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.protocol.bal.okhttp import multipart
from tests.protocol.central.answers import answered
from tests.support.archives import bala
from tests.support.world import OpenWorld, Person, World, limited

SECRET = "acme/secret:1.0.0"
PULL = dict(ACCEPT_ARCHIVE)


@dataclass(frozen=True)
class Probe:
    """One way to ask about a package."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: str = ""

    def __str__(self) -> str:
        """Return what pytest calls it."""
        return f"{'pull' if self.headers else self.method} {self.path}"


PACKAGES = '{"packages":[{"org":"acme","name":"NAME","version":"1.0.0","mode":"soft"}]}'
MODULES = '{"modules":[{"organization":"acme","moduleName":"NAME"}]}'
READS = [
    Probe("GET", "/packages/acme/NAME"),
    Probe("GET", "/packages/acme/NAME/1.0.0"),
    Probe("GET", "/packages/acme/NAME/*"),
    Probe("GET", "/packages/acme/NAME/1.*"),
    Probe("GET", "/packages/acme/NAME/1.0.0", PULL),
    Probe("GET", "/packages/acme/NAME/*", PULL),
    Probe("GET", "/packages?q=NAME"),
    Probe("GET", "/packages?q=acme/NAME"),
    Probe("GET", "/packages?package=NAME&org=acme&user-packages=true"),
    Probe("GET", "/search-packages?q=NAME"),
    Probe("GET", "/search-suggestions?q=NAME"),
    Probe("GET", "/tools?q=NAME"),
    Probe("GET", "/tools/NAME"),
    Probe("GET", "/tools/NAME/1.0.0"),
    Probe("POST", "/packages/resolve-dependencies", body=PACKAGES),
    Probe("POST", "/packages/resolve-modules", body=MODULES),
    Probe("POST", "/tools/resolve-dependencies", body='{"tools":[{"id":"NAME"}]}'),
]
CHANGES = [
    Probe("PUT", "/packages/deprecate/acme/NAME/1.0.0", body='{"message": "x"}'),
    Probe("PUT", "/packages/deprecate/acme/NAME/*", body='{"message": "x"}'),
    Probe("PUT", "/packages/undeprecate/acme/NAME/1.0.0", body="{}"),
]


async def publish(world: World) -> World:
    """Publish a private package with a tool, and a public one."""
    await world.push(bala(SECRET, visibility="private", tools=["secret"]))
    await world.push(bala("acme/greet:1.0.0"))
    return world


@pytest.fixture(scope="module")
async def world(shared_worlds: OpenWorld) -> World:
    """Return a registry with both packages, which no test changes."""
    return await publish(await shared_worlds())


@pytest.fixture
async def own_world(worlds: OpenWorld) -> World:
    """Return a registry with both packages for one test."""
    return await publish(await worlds())


@pytest.fixture(scope="module")
async def outsiders(world: World) -> Mapping[str, Person | None]:
    """Return people who may not read the private package."""
    people = world.people
    others = await limited(world, people.ann, "read", org="acme", package="gre*")
    return {"anyone": None, "bob": people.bob, "ann for others": others}


async def ask(
    world: World, name: str, probe: Probe, by: Person | None = None
) -> tuple[int, bytes, dict[str, str]]:
    """Ask about a package in one of the ways there are, and return all that the caller sees."""
    answer = await world.send(
        probe.method,
        probe.path.replace("NAME", name),
        by=by,
        headers=probe.headers,
        content=probe.body.replace("NAME", name).encode(),
    )
    return seen(answer, name)


def seen(answer: httpx.Response, name: str) -> tuple[int, bytes, dict[str, str]]:
    """Return all that a caller sees, with the name and what differs each time left out."""
    headers = {key: value for key, value in answer.headers.items() if key != "x-request-id"}
    return answer.status_code, answer.content.replace(name.encode(), b"NAME"), headers


@pytest.mark.parametrize("probe", [*READS, *CHANGES], ids=str)
@pytest.mark.parametrize("who", ["anyone", "bob", "ann for others"])
async def test_outsiders_cannot_distinguish_a_private_package_from_a_missing_one_by_a_byte(
    world: World, outsiders: Mapping[str, Person | None], probe: Probe, who: str
) -> None:
    by = outsiders[who]
    assert await ask(world, "secret", probe, by) == await ask(world, "absent", probe, by)


@pytest.mark.parametrize("probe", READS, ids=str)
async def test_members_can_read_it(world: World, probe: Probe) -> None:
    mia = world.people.mia
    assert await ask(world, "secret", probe, mia) != await ask(world, "absent", probe, mia)


async def test_a_member_uses_it_like_any_other(world: World) -> None:
    for client in (world.java(world.people.mia), world.go(world.people.mia)):
        assert await client.versions("acme/secret") == ["1.0.0"]
        assert (await client.metadata(SECRET))["visibility"] == "private"
        archive = bala(SECRET, visibility="private", tools=["secret"])
        assert (await client.pull(SECRET)).content == archive


async def test_it_is_in_no_list_of_anybody_else(world: World) -> None:
    for by in (None, world.people.bob):
        for path in ("/packages", "/packages/acme", "/search-packages", "/tools"):
            assert "secret" not in (await world.get(f"{path}?limit=1000", by=by)).text


async def test_counts_do_not_differ_for_outsiders(world: World) -> None:
    assert answered(await world.get("/packages"))["count"] == 1
    assert answered(await world.get("/packages", by=world.people.mia))["count"] == 2


async def test_somebody_who_left_sees_it_no_longer(own_world: World) -> None:
    ann, mia = own_world.people.ann, own_world.people.mia
    assert await own_world.java(mia).versions("acme/secret") == ["1.0.0"]
    by = await own_world.registry.identity.authentication.authenticate(
        {"authorization": f"Bearer {ann.token}"}
    )
    await own_world.registry.organizations.memberships.remove_member(
        parse_org("acme"), mia.account, by=by
    )
    assert await own_world.java(mia).versions("acme/secret") == []


async def test_an_administrator_sees_everything(world: World) -> None:
    assert await world.java(world.people.admin).versions("acme/secret") == ["1.0.0"]


async def test_outsiders_cannot_probe_names_by_pushing(own_world: World) -> None:
    def form(name: str) -> bytes:
        return multipart("x.bala", bala(f"acme/{name}:1.0.0"))

    hidden = seen(await own_world.upload(form("secret"), by=own_world.people.bob), "secret")
    missing = seen(await own_world.upload(form("absent"), by=own_world.people.bob), "absent")
    assert hidden == missing


async def test_a_tool_id_that_is_taken_does_not_name_the_private_package(own_world: World) -> None:
    thief = bala("other/thief:1.0.0", tools=["secret"])
    with pytest.raises(ClientFailure) as shown:
        await own_world.push(thief, by=own_world.people.bob)
    assert "acme" not in str(shown.value)


async def test_a_token_that_may_not_read_still_pushes_the_next_version(own_world: World) -> None:
    robot = await limited(own_world, own_world.people.ann, "push-version", package="secret")
    await own_world.push(bala("acme/secret:1.1.0", visibility="private"), by=robot)
    assert await own_world.java(own_world.people.mia).versions("acme/secret") == ["1.1.0", "1.0.0"]


async def test_a_token_for_new_packages_learns_and_pushes_no_version(own_world: World) -> None:
    robot = await limited(own_world, own_world.people.ann, "push-new")
    with pytest.raises(ClientFailure, match="push-version"):
        await own_world.push(bala("acme/secret:1.1.0", visibility="private"), by=robot)
