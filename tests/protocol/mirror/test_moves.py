"""The side that a name is on: moves between this registry and upstreams, and new organizations."""

from collections import Counter
from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.requests import Busy
from shared.domain.mirror_rules import HERE
from shared.domain.names import parse_org
from shared.domain.organizations import (
    NameOwner,
    Organization,
    name_owner_place,
    organization_place,
)
from shared.domain.packages import Head
from shared.domain.principals import OPERATOR
from shared.domain.release_states import State
from shared.services.mirroring import mirror_rules
from shared.services.organizations.name_moves import NameMove
from tests.protocol.bal.failures import ClientFailure
from tests.support.archives import bala, repacked
from tests.support.event_feed import checked_feed
from tests.support.mirrors import change, events_of, release_of, services, status
from tests.support.port_doubles import Fault
from tests.support.refusals import raises_refusal
from tests.support.upstreams import FakeUpstream
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

ACME = parse_org("acme")
GREET = "/packages/acme/greet"
REASON = "It was decided."


async def move(mirror: World, org: str, target: str) -> NameMove:
    """Move a name as the operator, and wait until all processes follow."""
    moved = await services(mirror).moves.move(parse_org(org), target, REASON)
    mirror.clock.advance(timedelta(seconds=6))
    return moved


async def head(mirror: World, org: str, name: str) -> Head:
    found = await mirror.stores.metadata.head(Package.parse(org, name))
    assert found is not None
    return found


async def test_an_organization_of_ours_moves_to_the_upstream(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.push(bala("acme/greet:1.0.0", summary="ours"))
    upstream.publish("acme/greet:1.0.0", summary="theirs")
    upstream.publish("acme/greet:2.0.0", summary="theirs")
    plan = await services(mirror).moves.dry_run(ACME, upstream.name)
    assert (plan.before, plan.after, plan.packages, plan.withheld) == ("", upstream.name, 1, 1)
    assert await status(mirror, f"{GREET}/1.0.0") == 302  # Nothing has changed.
    assert await move(mirror, "acme", upstream.name) == plan
    assert (await release_of(mirror, "acme/greet:1.0.0")).state is State.QUARANTINED
    assert await status(mirror, f"{GREET}/2.0.0") == 302
    assert await status(mirror, f"{GREET}/1.0.0") == 404  # Its digest is that of ours.
    assert (await mirror.get(f"{GREET}/2.0.0")).json()["upstream"]["name"] == upstream.name


async def test_nobody_publishes_in_an_organization_whose_name_moved(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.push(bala("acme/greet:1.0.0"))
    await move(mirror, "acme", upstream.name)
    for coordinate in ("acme/greet:3.0.0", "acme/new:1.0.0"):
        for person in (mirror.people.ann, mirror.people.admin):
            belongs = f"belongs to the upstream registry {upstream.name}"
            with pytest.raises(ClientFailure, match=belongs):
                await mirror.push(bala(coordinate), by=person)


async def test_a_push_of_the_files_of_a_mirrored_release_is_refused_as_any_other(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.publish("acme/greet:2.0.0")
    await move(mirror, "acme", upstream.name)
    archive = (await mirror.java().pull("acme/greet:2.0.0")).content
    for pushed in (archive, repacked(archive)):
        with pytest.raises(ClientFailure, match="belongs to the upstream registry"):
            await mirror.push(pushed, by=mirror.people.admin)


async def test_a_private_package_of_a_name_that_moved_is_never_filled_by_the_upstream(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.push(bala("acme/secret:1.0.0", visibility="private"))
    upstream.publish("acme/secret:2.0.0")
    await move(mirror, "acme", upstream.name)
    assert await status(mirror, "/packages/acme/secret/1.0.0") == 404
    assert await status(mirror, "/packages/acme/secret/2.0.0") == 404
    assert (await head(mirror, "acme", "secret")).upstream == ""


async def test_a_name_moves_there_and_back(mirror: World, upstream: FakeUpstream) -> None:
    await mirror.push(bala("acme/greet:1.0.0"))
    upstream.publish("acme/greet:2.0.0")
    await move(mirror, "acme", upstream.name)
    assert await status(mirror, f"{GREET}/2.0.0") == 302
    back = await move(mirror, "acme", HERE)
    assert (back.before, back.after, back.withheld, back.restored) == (upstream.name, "", 1, 1)
    asked = upstream.total
    assert await status(mirror, f"{GREET}/1.0.0") == 302
    assert await status(mirror, f"{GREET}/2.0.0") == 404
    await mirror.push(bala("acme/greet:3.0.0"))
    with pytest.raises(ClientFailure, match="is stored and quarantined"):
        await mirror.push(bala("acme/greet:2.0.0"))
    assert (await mirror.get(GREET)).json() == ["3.0.0", "1.0.0"]
    assert upstream.total == asked


async def test_a_plan_counts_the_packages_and_releases_of_its_name_alone(
    mirror: World, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_rules, "PACKAGES_READ_AT_ONCE", 1)
    for coordinate in ("acme/greet:1.0.0", "acme/greet:1.1.0", "acme/part:1.0.0"):
        await mirror.push(bala(coordinate))
    for org in ("aaa", "acme1", "zoo"):  # Names around it.
        await mirror.create_organization(org)
        await mirror.push(bala(f"{org}/lib:1.0.0"), by=mirror.people.admin)
    there = await move(mirror, "acme", upstream.name)
    assert (there.packages, there.withheld, there.restored) == (2, 3, 0)
    back = await services(mirror).moves.dry_run(ACME, HERE)
    assert (back.packages, back.withheld, back.restored) == (2, 0, 3)
    for org in ("aaa", "acme1", "zoo"):
        assert (await release_of(mirror, f"{org}/lib:1.0.0")).state is State.LIVE
        assert (await head(mirror, org, "lib")).upstream == ""
    assert (await head(mirror, "acme", "part")).upstream == upstream.name


async def test_a_move_restores_no_release_that_rules_deny(
    mirror: World, upstream: FakeUpstream
) -> None:
    moves = services(mirror).moves
    upstream.publish("company/lib:1.0.0")
    assert await status(mirror, "/packages/company/lib/1.0.0") == 302
    await move(mirror, "company", HERE)
    plan = await moves.dry_run(parse_org("company"), upstream.name)
    assert plan.restored == 1
    await change(mirror, "company/lib deny")
    plan = await moves.dry_run(parse_org("company"), upstream.name)
    assert plan.restored == 0
    await move(mirror, "company", upstream.name)
    assert (await release_of(mirror, "company/lib:1.0.0")).state is State.QUARANTINED


async def test_a_name_of_the_upstream_becomes_ours(mirror: World, upstream: FakeUpstream) -> None:
    upstream.publish("company/lib:1.0.0")
    assert await status(mirror, "/packages/company/lib/1.0.0") == 302
    with raises_refusal("owned-by-upstream"):
        await mirror.create_organization("company")
    await move(mirror, "company", HERE)
    asked = upstream.total
    assert await status(mirror, "/packages/company/lib/1.0.0") == 404
    assert await status(mirror, "/packages/company/other/1.0.0") == 404
    await mirror.create_organization("company")
    await mirror.push(bala("company/lib:2.0.0"), by=mirror.people.admin)
    assert await status(mirror, "/packages/company/lib/2.0.0") == 302
    assert upstream.total == asked


async def test_a_name_that_nobody_has_can_be_kept_for_this_registry(
    mirror: World, upstream: FakeUpstream
) -> None:
    plan = await move(mirror, "company", HERE)
    assert (plan.before, plan.packages) == (None, 0)
    upstream.publish("company/lib:1.0.0")
    assert await status(mirror, "/packages/company/lib/1.0.0") == 404
    assert upstream.total == 0


async def test_a_registry_that_holds_ballerina_keeps_it_until_it_is_moved(
    mirror: World, upstream: FakeUpstream
) -> None:
    await change(mirror, "ballerina deny")
    await mirror.create_organization("ballerina")
    await mirror.push(bala("ballerina/io:0.9.0"), by=mirror.people.admin)
    owner = await mirror.stores.directory.get(NameOwner, name_owner_place("ballerina"))
    assert owner is not None
    await mirror.stores.directory.remove(owner)  # As an earlier version left it.
    await change(mirror)
    assert (await mirror.get("/packages/ballerina/io")).json() == ["0.9.0"]
    assert upstream.total == 0
    await move(mirror, "ballerina", upstream.name)
    assert (await mirror.get("/packages/ballerina/io")).json() == ["1.1.0", "1.0.0"]


async def test_a_held_release_is_withheld_and_comes_back_by_an_administrator_alone(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.push(bala("acme/greet:1.0.0"))
    moderation = mirror.registry.publishing.moderation
    coordinate = Coordinate.parse("acme", "greet", "1.0.0")
    await moderation.hold(coordinate, "For a review.", by=OPERATOR)
    await move(mirror, "acme", upstream.name)
    await move(mirror, "acme", HERE)
    assert (await release_of(mirror, "acme/greet:1.0.0")).state is State.QUARANTINED
    await moderation.restore(coordinate, by=OPERATOR)
    assert await status(mirror, f"{GREET}/1.0.0") == 302


async def test_a_name_moves_from_one_upstream_to_another(
    worlds: OpenWorld, upstream: FakeUpstream
) -> None:
    second = FakeUpstream()
    second.publish("company/lib:2.0.0")
    upstream.publish("company/lib:1.0.0")
    with second.serving():
        mirror = await worlds(upstream=f"{upstream.url},{second.url}")
        assert await status(mirror, "/packages/company/lib/1.0.0") == 302
        await move(mirror, "company", second.name)
        assert (await mirror.get("/packages/company/lib")).json() == ["2.0.0"]
        assert await status(mirror, "/packages/company/lib/2.0.0") == 302


@pytest.mark.parametrize(
    ("service", "operation", "number"),
    [
        ("metadata", "replace_release", 1),
        ("metadata", "replace_head", 1),
        ("directory", "replace", 1),
        ("directory", "replace", 2),
    ],
)
async def test_a_move_that_was_interrupted_is_finished_by_a_repeat(
    mirror: World, upstream: FakeUpstream, service: str, operation: str, number: int
) -> None:
    await mirror.push(bala("acme/greet:1.0.0"))
    upstream.publish("acme/greet:2.0.0")
    moves = services(mirror).moves
    fault = Fault(operation, Busy(), nth=number)
    if service == "metadata":
        metadata = fault.over(moves.application.metadata)
        records = replace(moves.application.package_records, metadata=metadata)
        broken = replace(moves, application=replace(moves.application, package_records=records))
    else:
        directory = fault.over(moves.directory)
        writer = replace(moves.audited_writer, directory=directory)
        broken = replace(moves, audited_writer=writer)
    with pytest.raises(Busy):
        await broken.move(ACME, upstream.name, REASON)
    mirror.clock.advance(timedelta(seconds=6))
    await move(mirror, "acme", upstream.name)
    assert await status(mirror, f"{GREET}/2.0.0") == 302
    assert (await release_of(mirror, "acme/greet:1.0.0")).state is State.QUARANTINED
    assert len(await events_of(mirror, "name.moved")) == 1


async def test_nothing_of_the_old_side_is_served_once_the_name_has_another_owner(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.push(bala("acme/greet:1.0.0"))
    moves = services(mirror).moves
    directory = Fault("replace", Busy(), nth=2).over(moves.directory)  # That of the owner.
    broken = replace(moves, audited_writer=replace(moves.audited_writer, directory=directory))
    with pytest.raises(Busy):
        await broken.move(ACME, upstream.name, REASON)
    assert await moves.application.reader.owners.stored_owner(ACME) == ""
    assert (await release_of(mirror, "acme/greet:1.0.0")).state is State.QUARANTINED


async def test_every_part_of_a_move_is_in_the_audit_log_once(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.push(bala("acme/greet:1.0.0"))
    earlier = len(await checked_feed(mirror.stores.events))
    for target in (upstream.name, HERE):
        for _ in range(2):  # A repeat changes nothing.
            await move(mirror, "acme", target)
    events = (await checked_feed(mirror.stores.events))[earlier:]
    assert {each.org for each in events} == {"acme"}
    assert {each.subject for each in events} == {"acme", "acme/greet", "acme/greet:1.0.0"}
    assert Counter((each.kind, each.actor) for each in events) == {
        ("organization.changed", OPERATOR.id): 2,
        ("release.quarantined", "mirror"): 1,
        ("name.moved", OPERATOR.id): 2,
        ("package.moved", OPERATOR.id): 2,
        ("release.live", "mirror"): 1,
    }
    there = upstream.name
    back = "here"
    assert [each.details for each in events if each.kind == "name.moved"] == [
        {"before": back, "after": there, "withheld": "1", "reason": REASON},
        {"before": there, "after": back, "withheld": "0", "reason": REASON},
    ]
    changes = [each.details for each in events if each.kind == "organization.changed"]
    assert changes == [
        {"upstream_before": "", "upstream_after": there},
        {"upstream_before": there, "upstream_after": ""},
    ]


async def test_the_owner_of_a_name_is_recorded_with_the_time_of_its_move(
    mirror: World, upstream: FakeUpstream
) -> None:
    await move(mirror, "company", upstream.name)  # Nobody had it.
    moved_ms = mirror.clock.now_ms()
    await move(mirror, "company", HERE)
    owner = await mirror.stores.directory.get(NameOwner, name_owner_place("company"))
    assert owner is not None
    assert (owner.upstream, owner.since_ms) == ("", moved_ms)
    moves = await events_of(mirror, "name.moved")
    assert [each.details["before"] for each in moves] == ["nobody", upstream.name]


async def test_a_name_moves_to_a_registry_of_the_list_only(
    mirror: World, upstream: FakeUpstream
) -> None:
    await change(mirror, upstreams=f"{upstream.url},https://second.example")
    with pytest.raises(InvalidRequest) as refused:
        await services(mirror).moves.move(ACME, "x" * 200, REASON)
    assert str(refused.value) == (
        f"A name is moved to here or to an upstream: {upstream.name}, second.example. "
        f"'{'x' * 100}' is none. Add it to the list of upstreams first."
    )


# --- New organizations --------------------------------------------------------------------------


@pytest.mark.parametrize("org", ["ballerina", "ballerinax", "wso2"])
async def test_nobody_creates_an_organization_that_a_rule_names(mirror: World, org: str) -> None:
    with raises_refusal("owned-by-upstream", match="belongs to the upstream registry"):
        await mirror.create_organization(org)


async def test_rules_of_operators_reserve_names_and_free_them(mirror: World) -> None:
    await change(mirror, "wso2 deny", "partner*/api allow", "* allow")
    with raises_refusal("owned-by-upstream"):
        await mirror.create_organization("partners")
    await mirror.create_organization("wso2")
    await mirror.create_organization("anything")


async def test_a_push_of_an_administrator_creates_no_organization_that_a_rule_names(
    mirror: World,
) -> None:
    with pytest.raises(ClientFailure, match="or looks like, a reserved one"):
        await mirror.push(bala("wso2/x:1.0.0"), by=mirror.people.admin)
    assert await mirror.stores.directory.get(Organization, organization_place("wso2")) is None


async def test_no_upstream_is_asked_for_the_name_of_a_new_organization(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.publish("company/lib:1.0.0")
    await mirror.create_organization("company")
    assert await status(mirror, "/packages/company/lib/1.0.0") == 404
    assert upstream.total == 0
