"""Changes of the rules: what a dry run tells, what is recorded, and what the task withholds."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from shared.domain.coordinates import Coordinate, Package
from shared.domain.mirror_rules import MirrorRules
from shared.domain.organizations import NameOwner, name_owner_place
from shared.domain.principals import OPERATOR
from shared.domain.release_states import State
from shared.domain.tasks import TaskReport
from shared.services.mirroring import mirror_rules
from tests.protocol.mirror.test_mirror_rules import AS_OF
from tests.support.archives import bala
from tests.support.mirrors import change, events_of, release_of, services, status
from tests.support.port_doubles import counting
from tests.support.upstreams import FakeUpstream
from tests.support.world import World

pytestmark = pytest.mark.measured

SECOND = "https://second.example"
RELEASES = ("ballerina/http:1.0.0", "ballerina/io:1.0.0", "ballerina/io:1.1.0")


@pytest.fixture
async def stored(mirror: World, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a mirror that stores three releases of two packages and one of ours, and reads one
    package at a time."""
    monkeypatch.setattr(mirror_rules, "PACKAGES_READ_AT_ONCE", 1)
    upstream.publish("ballerina/http:1.0.0")
    for each in RELEASES:
        assert await status(mirror, f"/packages/{each.replace(':', '/')}") == 302
    await mirror.push(bala("acme/greet:1.0.0"))
    return mirror


async def states(mirror: World, *releases: str) -> list[State]:
    return [(await release_of(mirror, each)).state for each in releases]


# --- The dry run --------------------------------------------------------------------------------


async def test_a_dry_run_adds_up_the_pulls_of_thirty_days_of_each_release(
    stored: World, upstream: FakeUpstream
) -> None:
    today = datetime.fromtimestamp(stored.clock.now_ms() / 1000, UTC)
    day = [f"{today - timedelta(days=ago):%F}" for ago in range(32)]
    pulls = {"1.0.0": {day[0]: 1, day[30]: 2, day[31]: 50}, "1.1.0": {day[0]: 3}}
    await stored.stores.pulls.restore(Package.parse("ballerina", "io"), pulls)
    draft = MirrorRules.parse([upstream.url], ["ballerina deny"])
    found = await services(stored).rules.dry_run(draft, by=OPERATOR)
    assert [(each.release, each.pulls) for each in found.effects] == [
        ("ballerina/io:1.0.0", 3),
        ("ballerina/io:1.1.0", 3),
        ("ballerina/http:1.0.0", 0),
    ]
    assert (found.pulls, found.releases_read) == (6, 3)


async def test_a_dry_run_tells_what_is_withheld_now_and_leaves_out_what_was_removed(
    stored: World, upstream: FakeUpstream
) -> None:
    moderation = stored.registry.publishing.moderation
    await moderation.remove(Coordinate.from_text("ballerina/io:1.1.0"), "Court order.", by=OPERATOR)
    await change(stored, "ballerina/io deny")
    draft = MirrorRules.parse([upstream.url], ["ballerina/http deny"])
    found = await services(stored).rules.dry_run(draft, by=OPERATOR)
    assert [(each.release, each.now, each.then) for each in found.effects] == [
        ("ballerina/http:1.0.0", "served", "denied by `ballerina/http deny`"),
        ("ballerina/io:1.0.0", "denied by `ballerina/io deny`", "served"),
    ]


# --- Changes ------------------------------------------------------------------------------------


async def test_a_change_is_recorded_with_the_upstreams_rules_and_ages_before_and_after(
    mirror: World, upstream: FakeUpstream
) -> None:
    await change(mirror, "acme deny", "zoo/* deny", age=AS_OF)
    many = [f"{'x' * 95}{number:03} deny" for number in range(100)]
    await change(mirror, *many, upstreams=f"{upstream.url},{SECOND}")
    first, second = await events_of(mirror, "mirror.rules")
    assert {(each.subject, each.actor) for each in (first, second)} == {("mirror", OPERATOR.id)}
    address = f"{upstream.url}/2.0/registry"
    before = {"upstreams_before": address, "rules_before": "", "minimum_ages_before": ""}
    after = {"upstreams_after": address, "rules_after": "acme deny; zoo/* deny"}
    assert first.details == {**before, **after, "minimum_ages_after": AS_OF}
    assert second.details == {
        "upstreams_before": address,
        "rules_before": "acme deny; zoo/* deny",
        "minimum_ages_before": AS_OF,
        "upstreams_after": f"{address}, {SECOND}/2.0/registry",
        "rules_after": "; ".join(many)[:4_000],
        "minimum_ages_after": "",
    }


# --- The task -----------------------------------------------------------------------------------


async def applied(mirror: World) -> TaskReport:
    report = await mirror.registry.maintenance.task_runner.run("apply-mirror-rules")
    assert report is not None
    return report


async def store_rules(mirror: World, upstream: FakeUpstream, *rules: str, age: str = "") -> None:
    """Store rules as a process does that ends before it withholds anything."""
    draft = MirrorRules.parse([upstream.url], rules, [age])
    await services(mirror).rules._store(lambda _stored: draft, OPERATOR)


async def test_the_task_counts_the_packages_of_upstreams_and_what_it_changed(
    stored: World, upstream: FakeUpstream
) -> None:
    for rules, state in ((["ballerina deny"], State.QUARANTINED), ([], State.LIVE)):
        await store_rules(stored, upstream, *rules)
        report = await applied(stored)
        assert (report.seen, report.changed) == (2, 3)
        assert await states(stored, *RELEASES) == [state] * 3
        assert (await applied(stored)).changed == 0
    assert await states(stored, "acme/greet:1.0.0") == [State.LIVE]


async def test_the_task_withholds_what_a_move_that_was_interrupted_left(
    stored: World, upstream: FakeUpstream
) -> None:
    owner = await stored.stores.directory.get(NameOwner, name_owner_place("acme"))
    assert owner is not None
    await stored.stores.directory.put(owner.model_copy(update={"upstream": upstream.name}))
    report = await applied(stored)
    assert (report.seen, report.changed) == (3, 1)
    assert await states(stored, "acme/greet:1.0.0") == [State.QUARANTINED]


@pytest.mark.parametrize(
    ("rules", "age"), [([], ""), (["ballerina/io deny"], ""), ([], "2030-01-01")]
)
async def test_a_run_that_has_nothing_to_change_reads_no_release(
    stored: World, upstream: FakeUpstream, rules: list[str], age: str
) -> None:
    await store_rules(stored, upstream, *rules, age=age)
    await applied(stored)
    calls = Counter[str]()
    withheld = services(stored).rule_application
    records = replace(
        withheld.package_records, metadata=counting(withheld.package_records.metadata, calls)
    )
    await replace(withheld, package_records=records).apply()
    assert not calls
