"""Row 17, worms (Shai-Hulud, 2025): who publishes many packages within minutes is held."""

import asyncio
import dataclasses
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from shared.domain.coordinates import Coordinate
from shared.domain.errors.packages import NotAwaited
from shared.domain.grants import Grant
from shared.domain.mail import Mail
from shared.domain.names import parse_org
from shared.domain.packages import Provenance
from shared.domain.principals import OPERATOR, Principal
from shared.domain.release_states import State
from shared.domain.trusted_publishing.jobs import ID_CLAIMS, Provider
from shared.ports.mail import Undelivered
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from tests.fakes.mail import FakeMailer
from tests.protocol.bal.failures import ClientFailure, NoPackage
from tests.protocol.bal.okhttp import multipart
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.trusted_publishing import IDS, trusting
from tests.support.world import URL, OpenWorld, Person, Template, World

LIMIT = 20  # Different packages in ten minutes, by default.
PACKAGES = 30
STEP = timedelta(minutes=5) / PACKAGES
HELD = "/account/organizations/acme/held"


async def push(world: World, number: int, by: Person, **spec: object) -> httpx.Response:
    """Publish a first release of one of many packages."""
    archive = bala(f"acme/p{number}:1.0.0", **spec)
    return await world.upload(multipart("x.bala", archive), by=by)


async def spread(
    world: World, by: Person, count: int = PACKAGES, *, first: int = 0
) -> list[httpx.Response]:
    """Publish as a worm does: package after package, within five minutes."""
    answers: list[httpx.Response] = []
    for number in range(first, first + count):
        answers.append(await push(world, number, by))
        world.clock.advance(STEP)
    return answers


@pytest.fixture(scope="module")
def at_limit(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Return a registry where Ann has published as many packages as are not held."""

    async def publish(world: World) -> None:
        await spread(world, world.people.ann, LIMIT)

    return asyncio.run(template.filled(tmp_path_factory.mktemp("limit") / "data", publish))


@pytest.fixture
async def reached(at_limit: Template, scratch: Path) -> AsyncGenerator[World]:
    """Return such a registry, whose next releases are held."""
    async with at_limit.world(scratch / "data") as world:
        yield world


async def states(world: World, org: str = "acme") -> list[State]:
    """Return what became of each release, in order of publication."""
    found = [
        await world.stores.metadata.find(Coordinate.parse(org, f"p{number}", "1.0.0"))
        for number in range(PACKAGES)
    ]
    return [each.release.state for each in found if each.release]


async def test_thirty_packages_in_five_minutes_are_held_from_the_twenty_first_on(
    world: World,
) -> None:
    answers = await spread(world, world.people.ann)
    assert [each.status_code for each in answers] == [204] * LIMIT + [400] * (PACKAGES - LIMIT)
    assert await states(world) == [State.LIVE] * LIMIT + [State.HELD] * (PACKAGES - LIMIT)


async def test_a_held_release_exists_for_nobody(world: World) -> None:
    await spread(world, world.people.ann)
    for person in (None, world.people.ann, world.people.admin):
        client = world.java(person)
        assert await client.versions(f"acme/p{LIMIT}") == []
        with pytest.raises(NoPackage):
            await client.metadata(f"acme/p{LIMIT}:1.0.0")
        with pytest.raises(ClientFailure, match="package not found"):
            await client.pull(f"acme/p{LIMIT}:1.0.0")
        assert (await client.search("acme"))["count"] == LIMIT
    answer = await world.get(f"{URL}/index/acme/p{LIMIT}/index.json")
    assert answer.status_code == 404
    changes = (await world.get(f"{URL}/index/changes?limit=500")).json()["changes"]
    assert len(changes) == LIMIT


async def test_administrators_publish_as_many_as_they_like(world: World) -> None:
    await spread(world, world.people.admin)
    assert set(await states(world)) == {State.LIVE}


async def test_ten_minutes_later_releases_come_out_again(world: World) -> None:
    await spread(world, world.people.ann)
    world.clock.advance(timedelta(minutes=10))
    await world.push(bala("acme/later:1.0.0"))
    assert await world.java().versions("acme/later") == ["1.0.0"]


async def test_the_owners_read_of_it_in_their_log(reached: World) -> None:
    await spread(reached, reached.people.ann, 1, first=LIMIT)
    [(_, event), *_] = await reached.stores.events.stream("org:acme", None, 10)
    assert event.kind == "release.awaiting-owner"
    assert event.subject == f"acme/p{LIMIT}:1.0.0"
    assert event.actor == reached.people.ann.account.id
    assert event.details["reason"] == "its publisher published 21 packages in ten minutes"


async def test_the_owners_get_one_mail_and_not_one_for_each_release(world: World) -> None:
    account = world.people.ann.account.model_copy(update={"email": "ann@example.org"})
    await world.stores.directory.replace(account)
    await spread(world, world.people.ann)
    [mail] = world.mailer.to("ann@example.org")
    assert mail.subject == "Held releases of acme need confirmation"
    assert f"acme/p{LIMIT}:1.0.0" in mail.text
    assert f"{URL}/account/organizations/acme/held\n" in mail.text


async def test_a_push_is_held_even_if_nobody_can_be_notified(worlds: OpenWorld) -> None:
    class Silent(FakeMailer):
        """A mailer that takes nothing."""

        async def send(self, mail: Mail) -> None:
            reason = "the server refuses it"
            raise Undelivered(reason)

    world = await worlds(wrap=lambda stores: replace(stores, mailer=Silent()), brake_packages=1)
    account = world.people.ann.account.model_copy(update={"email": "ann@example.org"})
    await world.stores.directory.replace(account)
    answers = [await push(world, number, world.people.ann) for number in range(2)]
    assert [each.status_code for each in answers] == [204, 400]


async def held_page(world: World, person: Person) -> Browser:
    """Return the browser of somebody who just signed in, with the page of what waits."""
    browser = await signed_in(world, person)
    await browser.open(HELD)
    return browser


FIRST = {"name": f"p{LIMIT}", "version": "1.0.0"}


@pytest.mark.parametrize(("name", "status"), [("mia", 403), ("bob", 404)])
async def test_nobody_but_owners_sees_or_confirms_what_waits(
    reached: World, name: str, status: int
) -> None:
    await spread(reached, reached.people.ann, 1, first=LIMIT)
    browser = await signed_in(reached, getattr(reached.people, name))
    shown = await browser.send("GET", HELD)
    for answer in (shown, await browser.post(f"{HELD}/confirm", **FIRST)):
        assert answer.status_code == status
        assert f"p{LIMIT}" not in answer.text
    assert (await states(reached))[LIMIT] is State.HELD


async def test_the_token_that_spread_confirms_nothing(reached: World) -> None:
    await spread(reached, reached.people.ann, 1, first=LIMIT)
    for form in ("confirm", "confirm-all"):
        answer = await reached.send("POST", f"{URL}{HELD}/{form}", by=reached.people.ann)
        assert answer.status_code == 401
    assert (await states(reached))[LIMIT] is State.HELD


async def test_an_owner_who_just_signed_in_confirms(reached: World) -> None:
    await spread(reached, reached.people.ann, 1, first=LIMIT)
    ann = await held_page(reached, reached.people.ann)
    await ann.submit(f"{HELD}/confirm", **FIRST)
    assert ann.page.status_code == 200
    await ann.post(f"{HELD}/confirm", **FIRST)  # A repeat finds it published.
    assert ann.page.status_code == 200
    assert await reached.java().versions(f"acme/p{LIMIT}") == ["1.0.0"]
    assert (await reached.java().search(f"p{LIMIT}"))["count"] == 1
    changes = (await reached.get(f"{URL}/index/changes?limit=500")).json()["changes"]
    assert changes[-1]["kind"] == "published"


@pytest.mark.parametrize(("decision", "count"), [("confirm", LIMIT + 3), ("refuse", LIMIT)])
async def test_an_owner_who_just_signed_in_decides_on_all_of_a_burst(
    reached: World, decision: str, count: int
) -> None:
    await spread(reached, reached.people.ann, 3, first=LIMIT)
    ann = await held_page(reached, reached.people.ann)
    form = f"{HELD}/{decision}-all"
    of_ann = {
        "publisher": reached.people.ann.account.id,
        "until": str(reached.clock.now_ms()),
    }
    for others in ({"publisher": reached.people.bob.account.id}, {"until": "0"}):
        await ann.open(HELD)
        await ann.post(form, **of_ann | others)
        assert (await states(reached))[LIMIT:] == [State.HELD] * 3
    await ann.open(HELD)
    await ann.submit(form)
    assert await live(reached) == count
    kind = {"confirm": "release.confirmed", "refuse": "release.refused"}[decision]
    events = [event for _, event in await reached.stores.events.stream("org:acme", None, 3)]
    assert {event.kind for event in events} == {kind}
    assert {event.actor for event in events} == {reached.people.ann.account.id}


async def test_an_owner_who_signed_in_long_ago_does_not_confirm(reached: World) -> None:
    await spread(reached, reached.people.ann, 1, first=LIMIT)
    ann = await held_page(reached, reached.people.ann)
    reached.clock.advance(timedelta(minutes=11))
    assert (await ann.submit(f"{HELD}/confirm", **FIRST)).status_code == 403
    assert (await ann.post(f"{HELD}/confirm-all", until="9" * 13)).status_code == 403
    assert (await states(reached))[LIMIT] is State.HELD


async def test_an_owner_does_not_confirm_what_an_operator_withheld(reached: World) -> None:
    await spread(reached, reached.people.ann, 2, first=LIMIT)
    first = Coordinate.parse("acme", f"p{LIMIT}", "1.0.0")
    second = Coordinate.parse("acme", f"p{LIMIT + 1}", "1.0.0")
    await reached.registry.publishing.moderation.hold(first, "looked at", by=OPERATOR)
    await reached.registry.publishing.moderation.quarantine(second, "harmful", by=OPERATOR)
    for at in (first, second):
        with pytest.raises(NotAwaited):
            await reached.registry.publishing.held_releases.confirm(
                at, by=reached.fresh(reached.people.ann)
            )
    owner = reached.fresh(reached.people.ann)
    org = parse_org("acme")
    assert not (await reached.registry.publishing.held_releases.page(org, by=owner)).releases


async def test_a_repeat_of_a_held_push_is_held_and_changes_nothing(reached: World) -> None:
    await spread(reached, reached.people.ann, 1, first=LIMIT)
    await reached.push_held(bala(f"acme/p{LIMIT}:1.0.0"))
    await reached.push_held(bala("acme/p0:1.0.1"))  # Another version is held as well.
    assert await reached.java().versions("acme/p0") == ["1.0.0"]
    assert (await states(reached))[LIMIT] is State.HELD
    with pytest.raises(ClientFailure, match="package already exists"):
        await reached.push(bala(f"acme/p{LIMIT}:1.0.0", summary="Other bytes."))


async def test_a_pipeline_is_one_principal_whichever_tokens_it_uses(worlds: OpenWorld) -> None:
    world = await worlds(brake_packages=2)
    ann = Principal(world.people.ann.account.id, "t0", (Grant(),))
    source = Provenance(provider="github", repository="acme/build")
    paces = [
        await world.registry.limits.rate_limiter.count_push(
            replace(ann, id=f"run{number}", provenance=source),
            Coordinate.parse("acme", f"p{number}", "1.0.0").package,
        )
        for number in range(3)
    ]
    assert [each.burst for each in paces] == ["", "", "3 packages"]


# --- one count for a principal and what it made --------------------------------------------------


async def live(world: World) -> int:
    """Return how many packages everybody can find."""
    return int((await world.java().search("acme"))["count"])


async def test_many_releases_of_a_few_packages_are_held_as_well(worlds: OpenWorld) -> None:
    """A worm that keeps to few packages, and publishes version after version of them."""
    world = await worlds(brake_releases=6)
    pushes = [bala(f"acme/p{patch % 2}:1.0.{patch}") for patch in range(10)]
    for archive in pushes[:6]:
        await world.push(archive)
    for archive in pushes[6:]:
        await world.push_held(archive)
    versions = [await world.java().versions(f"acme/p{each}") for each in range(2)]
    assert sum(map(len, versions)) == 6


async def test_a_person_and_the_tokens_they_made_are_one_principal(worlds: OpenWorld) -> None:
    world = await worlds(brake_packages=4)
    child = await made_by(world, "/api/v1/tokens")
    machine = await made_by(world, "/api/v1/orgs/acme/tokens")
    hands = (world.people.ann, child, machine)
    answers = [await push(world, number, hands[number % 3]) for number in range(9)]
    assert [each.status_code for each in answers] == [204] * 4 + [400] * 5
    assert await live(world) == 4


async def made_by(world: World, path: str) -> Person:
    ann = await signed_in(world, world.people.ann)
    body = {"name": "ci", "scopes": ["read", "push-new", "push-version"]}
    answer = await ann.api("POST", path, body)
    return Person(world.people.ann.account, answer.json()["text"])


async def test_pushes_of_invited_members_count_for_the_owner_who_invited_them(
    worlds: OpenWorld,
) -> None:
    """Each helper alone stays below the limit; together they are the worm that invited them."""
    world = await worlds(brake_packages=4)
    bob = await joined(world)
    hands = (bob, world.people.ann)
    answers = [await push(world, number, hands[number % 2]) for number in range(8)]
    assert [each.is_success for each in answers] == [True] * 4 + [False] * 4
    assert await live(world) == 4


async def test_pushes_of_a_member_count_for_themselves_a_week_later(worlds: OpenWorld) -> None:
    world = await worlds(brake_packages=4)
    bob = await joined(world)
    world.clock.advance(timedelta(days=7))
    for number in range(8):
        by = world.people.ann if number % 2 else bob
        assert (await push(world, number, by)).is_success
    assert await live(world) == 8


async def joined(world: World) -> Person:
    """Let Bob in as a maintainer, by an invitation of Ann."""
    ann = await signed_in(world, world.people.ann)
    sent = await ann.api("POST", "/api/v1/orgs/acme/invitations", {"role": "maintainer"})
    bob = await signed_in(world, world.people.bob)
    link = sent.json()["link"]
    await bob.open(link)
    await bob.submit(link, decision="accept")
    assert bob.page.is_success
    return world.people.bob


async def burst(world: World, org: str, by: Person, count: int) -> list[State]:
    """Publish the first releases of so many packages, and return what became of them."""
    for number in range(count):
        with suppress(ClientFailure):
            await world.push(bala(f"{org}/p{number}:1.0.0"), by=by)
    return await states(world, org)


async def test_a_burst_by_a_token_of_the_operator_holds_nothing_of_other_organizations(
    worlds: OpenWorld,
) -> None:
    """The operator makes tokens for whoever asks, and is no person who publishes."""
    world = await worlds(brake_packages=3)
    machines: list[Person] = []
    for org in ("acme", "other"):
        wanted = TokenRequest.parse("ci", ["push-new"], org=org, package="*", days=90)
        name = parse_org(org)
        issued = await world.registry.tokens.access_tokens.issue(
            OfOrganization(name), wanted, by=OPERATOR
        )
        machines.append(dataclasses.replace(world.people.ann, token=issued.text.reveal()))
    assert await burst(world, "acme", machines[0], 4) == [State.LIVE] * 3 + [State.HELD]
    assert await burst(world, "other", machines[1], 3) == [State.LIVE] * 3


async def test_a_burst_of_one_workload_holds_nothing_of_others_without_a_repository_of_their_own(
    worlds: OpenWorld,
) -> None:
    """A pipeline of Azure DevOps builds whichever repository it likes."""
    provider = Provider.AZURE_DEVOPS
    trust = await trusting(worlds, brake_packages=3)
    bob = trust.person(trust.world.people.bob)
    guid = "00000000-0000-0000-0000-000000000001"
    others = {**IDS[provider], next(iter(ID_CLAIMS[provider])): guid}
    for number in range(4):
        await trust.add(f"acme/p{number}", provider)
        await trust.add(f"other/p{number}", provider, by=bob, ids=others)
    job = await trust.exchange(trust.ci.token(provider), org=parse_org("acme"))
    other = await trust.exchange(trust.ci.token(provider, prj_id=guid), org=parse_org("other"))
    jobs = [
        dataclasses.replace(trust.world.people.ann, token=each.text.reveal())
        for each in (job, other)
    ]
    assert await burst(trust.world, "acme", jobs[0], 4) == [State.LIVE] * 3 + [State.HELD]
    assert await burst(trust.world, "other", jobs[1], 3) == [State.LIVE] * 3


async def test_an_administrator_switches_burst_detection_off_for_a_day(reached: World) -> None:
    ann = reached.people.ann
    url = "/api/v1/orgs/acme/burst-detection/off"
    assert (await (await signed_in(reached, ann)).api("POST", url)).status_code == 403
    assert (await push(reached, LIMIT, by=ann)).status_code == 400
    admin = await signed_in(reached, reached.people.admin)
    assert (await admin.api("POST", url)).status_code == 204
    assert (await push(reached, LIMIT + 1, by=ann)).status_code == 204
    _, event = (await reached.stores.events.since(0, 10_000))[-2]
    assert (event.kind, event.subject) == ("organization.bursts-allowed", "acme")
    reached.clock.advance(timedelta(days=1))
    assert {each.status_code for each in await spread(reached, ann, LIMIT, first=40)} == {204}
    assert (await push(reached, 90, by=ann)).status_code == 400
