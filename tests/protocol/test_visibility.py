"""Changes of visibility: who sees a package afterwards, and links issued before."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.accounts import Account
from shared.domain.coordinates import Package
from shared.domain.events import org_stream
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR, OPERATOR_ID, Principal
from shared.domain.scopes import Role
from shared.domain.visibility import Visibility
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.protocol.central.answers import answered
from tests.security.package_probes import READING, seen
from tests.support.archives import bala
from tests.support.world import MAVEN, URL, OpenWorld, Person, World, limited, token_of

GREET = "acme/greet:1.0.0"
PACKAGE = Package.parse("acme", "greet")
ARCHIVE = bala(GREET, tools=["greet"], modules=["sub"])
OTHER = bala("acme/hidden:1.0.0", visibility="private")
PUBLIC = Visibility.PUBLIC
PRIVATE = Visibility.PRIVATE
TRUSTED = timedelta(seconds=3)  # What a process remembers; docs/use/private-packages.md.


@pytest.fixture
async def greet(world: World) -> World:
    """Return a registry with a public and a private package of `acme`."""
    await world.push(OTHER)
    await world.push(ARCHIVE)
    return world


def signed_in(world: World, person: Person, **changes: Any) -> Principal:
    """Return the person as somebody who signed in this moment."""
    return replace(world.fresh(person), address="192.0.2.7", **changes)


async def make(world: World, wanted: Visibility, package: Package = PACKAGE) -> None:
    """Make the package public or private as Ann, who owns it."""
    by = signed_in(world, world.people.ann)
    await world.registry.packages.visibility.change(package, wanted, by=by)


# --- what changes ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def having(shared_worlds: OpenWorld) -> World:
    """Return a registry whose public package was made private."""
    world = await shared_worlds()
    await world.push(OTHER)
    await world.push(ARCHIVE)
    await make(world, PRIVATE)
    return world


@pytest.fixture(scope="module")
async def lacking(shared_worlds: OpenWorld) -> World:
    """Return a registry that never had the package."""
    world = await shared_worlds()
    await world.push(OTHER)
    return world


@pytest.mark.parametrize("function", sorted(set(READING) - {"index_changes"}))
async def test_once_private_it_was_never_there(
    having: World, lacking: World, function: str
) -> None:
    for by in (None, having.people.bob):
        for probe in READING[function]:
            one, other = [await seen(each, probe.about("greet"), by) for each in (having, lacking)]
            assert one == other, probe


async def test_members_go_on_as_before(greet: World) -> None:
    await make(greet, PRIVATE)
    mia = greet.people.mia
    for client in (greet.java(mia), greet.go(mia)):
        assert await client.versions("acme/greet") == ["1.0.0"]
        assert (await client.pull(GREET)).content == ARCHIVE
    listed = answered(await greet.get("/packages/acme", by=mia))["packages"]
    assert {each["name"] for each in listed} == {"greet", "hidden"}


async def test_back_in_public_it_is_there_for_everybody(greet: World) -> None:
    await make(greet, PRIVATE)
    await make(greet, PUBLIC)
    assert (await greet.java().pull(GREET)).content == ARCHIVE
    assert answered(await greet.get("/packages?q=greet"))["count"] == 1
    assert await greet.maven().versions("acme/greet") == ["1.0.0"]


async def test_a_repeat_changes_nothing(greet: World) -> None:
    by = signed_in(greet, greet.people.ann)
    first = await greet.registry.packages.visibility.change(PACKAGE, PRIVATE, by=by)
    again = await greet.registry.packages.visibility.change(PACKAGE, PRIVATE, by=by)
    assert first.revision == again.revision
    assert [event.kind for event in await audit(greet)].count("package.private") == 1


async def test_each_change_is_in_the_log_of_its_organization(greet: World) -> None:
    await make(greet, PRIVATE)
    await make(greet, PUBLIC)
    back, away = [event for event in await audit(greet) if event.kind.startswith("package.")]
    assert (away.kind, back.kind) == ("package.private", "package.public")
    for event in (away, back):
        assert event.subject == "acme/greet"
        assert event.actor == greet.people.ann.account.id
        assert (event.credential, event.address) == ("session", "192.0.2.7")


async def audit(world: World) -> list[Any]:
    """Return the log of `acme`, newest first."""
    found = await world.stores.events.stream(org_stream("acme"), None, 100)
    return [event for _, event in found]


# --- archives that say otherwise ---------------------------------------------------------------


async def test_a_public_archive_does_not_make_it_public_again(greet: World) -> None:
    await make(greet, PRIVATE)
    await greet.push(bala("acme/greet:1.1.0"))
    assert await greet.java().versions("acme/greet") == []
    assert await greet.java(greet.people.mia).versions("acme/greet") == ["1.1.0", "1.0.0"]
    assert answered(await greet.get("/packages?q=greet"))["count"] == 0


async def test_a_private_archive_does_not_make_it_private_again(greet: World) -> None:
    await make(greet, PRIVATE)
    await make(greet, PUBLIC)
    with pytest.raises(ClientFailure, match="is public"):
        await greet.push(bala("acme/greet:1.1.0", visibility="private"))


async def test_a_push_is_repeated_after_its_package_became_public(greet: World) -> None:
    archive = bala("acme/secret:1.0.0", visibility="private")
    await greet.push(archive)
    await make(greet, PUBLIC, Package.parse("acme", "secret"))
    await greet.push(archive)
    assert await greet.java().versions("acme/secret") == ["1.0.0"]
    assert (await greet.java().pull("acme/secret:1.0.0")).content == archive


# --- what was handed out before ----------------------------------------------------------------


async def location(world: World, by: Person | None = None) -> str:
    """Return where hop one of a pull leads."""
    answer = await world.get("/packages/acme/greet/1.0.0", headers=dict(ACCEPT_ARCHIVE), by=by)
    return answer.headers["location"]


async def test_a_public_link_leads_nowhere_once_it_is_private(greet: World) -> None:
    link = await location(greet)
    assert (await greet.get(link)).status_code == 200
    await make(greet, PRIVATE)
    for by in (None, greet.people.bob, greet.people.mia):
        for headers in ({}, {"If-None-Match": "*"}, {"Range": "bytes=0-9"}):
            answer = await greet.get(link, by=by, headers=headers)
            # Blob Storage says 400 to If-None-Match where there is nothing.
            assert answer.status_code in (400, 404)


async def test_a_signed_link_ends_a_pull_that_was_under_way_when_it_became_public(
    greet: World,
) -> None:
    await make(greet, PRIVATE)
    link = await location(greet, greet.people.mia)
    await make(greet, PUBLIC)
    answer = await greet.get(link)
    assert answer.content == ARCHIVE
    # It may be private again soon, and nothing below this address is ever in a shared cache.
    assert answer.headers["cache-control"] == "private, no-store"


async def test_exported_records_do_not_have_it(greet: World) -> None:
    async def exported() -> list[str]:
        files = greet.registry.packages.index.public_files()
        return [path async for some in files for path, _ in some]

    assert await exported() == ["acme/greet/index.json"]
    await make(greet, PRIVATE)
    assert await exported() == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{URL}/index/acme/greet/index.json", 404),
        (f"{MAVEN}/acme/greet/maven-metadata.xml", 401),  # Maven sends credentials after that.
    ],
)
async def test_a_document_that_a_client_has_is_confirmed_for_three_seconds_at_most(
    greet: World, path: str, status: int
) -> None:
    known = {"if-none-match": (await greet.get(path)).headers["etag"]}
    await make(greet, PRIVATE)
    greet.clock.advance(TRUSTED)
    assert (await greet.get(path, headers=known)).status_code == status
    assert (await greet.get(path)).status_code == status


async def test_the_feed_reports_that_it_disappeared_and_came_back(greet: World) -> None:
    assert await shown(greet) == [("published", "1.0.0")]
    await make(greet, PRIVATE)
    assert await shown(greet) == [("withdrawn", "*")]
    await greet.push(bala("acme/greet:1.1.0"))
    assert await shown(greet) == [("withdrawn", "*")]
    await make(greet, PUBLIC)
    assert await shown(greet) == [
        ("published", "1.0.0"),
        ("withdrawn", "*"),
        ("published", "1.1.0"),
        ("restored", "*"),
    ]


async def shown(world: World) -> list[tuple[str, str]]:
    """Return what the feed tells everybody of the package."""
    changes = (await world.get(f"{URL}/index/changes")).json()["changes"]
    return [(each["kind"], each["version"]) for each in changes if each["name"] == "greet"]


# --- internal ----------------------------------------------------------------------------------

INSIDE = bala("acme/inside:1.0.0", visibility="internal")
PULL = dict(ACCEPT_ARCHIVE)


@pytest.fixture
async def inside(worlds: OpenWorld) -> World:
    """Return a registry with an internal package of `acme`, where Bob is staff by his address, and
    Mia a guest."""
    world = await worlds(staff="@example.org, groups")
    bob = world.people.bob.account.model_copy(update={"email": "Bob@Example.org"})
    await world.stores.directory.replace(bob)
    await world.push(INSIDE)
    return world


async def status_of_pull(world: World, by: Person | None) -> int:
    return (await world.get("/packages/acme/inside/1.0.0", headers=PULL, by=by)).status_code


async def test_staff_and_members_read_an_internal_package_within_their_tokens(
    inside: World,
) -> None:
    ann = inside.people.ann
    bob = inside.people.bob
    mia = inside.people.mia
    sam = await inside.registry.identity.accounts.create("sam", by=OPERATOR)
    guest = dataclasses.replace(bob, token=await token_of(inside.registry, sam))
    found = {
        "nobody": await status_of_pull(inside, None),
        "guest": await status_of_pull(inside, guest),
        "guest who is a member": await status_of_pull(inside, mia),
        "staff": await status_of_pull(inside, bob),
        "owner": await status_of_pull(inside, ann),
        "pattern": await status_of_pull(inside, await limited(inside, bob, "read", org="acme")),
        "other": await status_of_pull(inside, await limited(inside, bob, "read", org="other")),
        "no scope": await status_of_pull(inside, await limited(inside, bob, "push-version")),
    }
    refused = {name for name, status in found.items() if status != 302}
    assert refused == {"nobody", "guest", "other", "no scope"}
    assert {found[name] for name in refused} == {404}


async def test_clients_are_told_that_an_internal_package_is_private(inside: World) -> None:
    bob = inside.people.bob
    told = answered(await inside.get("/packages/acme/inside/1.0.0", by=bob))
    assert told["visibility"] == "private"
    for client in (inside.java(bob), inside.go(bob)):
        pulled = await client.pull("acme/inside:1.0.0")
        assert pulled.content == INSIDE
    listed = answered(await inside.get("/packages?q=inside", by=bob))
    assert listed["count"] == 1
    assert answered(await inside.get("/packages?q=inside"))["count"] == 0


async def test_a_package_becomes_internal_by_its_owner_and_nobody_outside_is_told(
    inside: World,
) -> None:
    await inside.push(OTHER)
    package = Package.parse("acme", "hidden")
    await make(inside, Visibility.INTERNAL, package)
    pulled = await inside.get("/packages/acme/hidden/1.0.0", headers=PULL, by=inside.people.bob)
    assert pulled.status_code == 302
    for by, changes in ((None, []), (inside.people.bob, ["published", "published", "restored"])):
        feed = (await inside.get(f"{URL}/index/changes", by=by)).json()
        assert [each["kind"] for each in feed["changes"]] == changes
    await make(inside, PRIVATE, package)
    assert "hidden" not in (await inside.get(f"{URL}/index/changes")).text


@pytest.mark.parametrize(
    ("package", "archive"), [("public", "internal"), ("public", "private"), ("internal", "private")]
)
async def test_an_archive_narrows_no_package(world: World, package: str, archive: str) -> None:
    await world.push(bala("acme/thing:1.0.0", visibility=package))
    with pytest.raises(ClientFailure, match=f"acme/thing is {package}, but"):
        await world.push(bala("acme/thing:1.0.1", visibility=archive))
    await world.push(bala("acme/thing:1.0.2"))


async def robot(world: World, package: str = "*", **changes: Any) -> Person:
    """Return a token of the organization `other` that Bob made, with changes of its record."""
    bob = world.people.bob
    owner = OfOrganization(parse_org("other"))
    wanted = TokenRequest.parse("ci", ["read"], org="other", package=package, days=None)
    issued = await world.registry.tokens.access_tokens.issue(
        owner, wanted, by=signed_in(world, bob)
    )
    await world.stores.directory.put(issued.token.model_copy(update=changes))
    return dataclasses.replace(bob, token=issued.text.reveal())


async def make_staff(world: World, person: Person, *, is_staff: bool) -> None:
    """Give a person an address of the company, or another one."""
    stored = await world.stores.directory.get(Account, person.account.place)
    assert stored
    email = f"{person.account.name}@{'example.org' if is_staff else 'supplier.test'}"
    await world.stores.directory.replace(stored.model_copy(update={"email": email}))


async def test_a_token_of_an_organization_reads_internal_packages_while_its_maker_is_staff(
    inside: World,
) -> None:
    token = await robot(inside)
    narrow = await robot(inside, package="greet")
    assert [await status_of_pull(inside, each) for each in (token, narrow)] == [302, 404]
    for is_staff, status in ((False, 404), (True, 302)):
        await make_staff(inside, inside.people.bob, is_staff=is_staff)
        inside.clock.advance(timedelta(seconds=5))
        assert await status_of_pull(inside, token) == status


async def test_who_rotates_a_token_of_an_organization_decides_whether_it_is_one_of_staff(
    inside: World,
) -> None:
    await robot(inside)
    mia = inside.people.mia
    other = OfOrganization(parse_org("other"))
    memberships = inside.registry.organizations.memberships
    await memberships.set_member(
        parse_org("other"), mia.account, Role.OWNER, by=OPERATOR, reason="It was decided."
    )
    tokens = inside.registry.tokens.access_tokens
    by = signed_in(inside, mia)
    [listed] = await tokens.list(other, by=by)
    rotated = await tokens.rotate(other, listed.token.id, by=by)
    token = dataclasses.replace(mia, token=rotated.text.reveal())
    assert await status_of_pull(inside, token) == 404


async def test_a_token_of_an_organization_stops_when_its_maker_is_deleted(inside: World) -> None:
    token = await robot(inside)
    bob = inside.people.bob.account
    assert await status_of_pull(inside, token) == 302
    stored = await inside.stores.directory.get(Account, bob.place)
    assert stored
    await inside.stores.directory.remove(stored)
    inside.clock.advance(timedelta(seconds=5))
    assert await status_of_pull(inside, token) == 401


@pytest.mark.parametrize("by_guest", [False, True])
@pytest.mark.parametrize("made_by", ["", OPERATOR_ID])
async def test_without_an_account_that_made_it_a_token_keeps_what_is_stored(
    inside: World, made_by: str, by_guest: bool
) -> None:
    token = await robot(inside, made_by=made_by, by_guest=by_guest)
    assert await status_of_pull(inside, token) == (404 if by_guest else 302)
