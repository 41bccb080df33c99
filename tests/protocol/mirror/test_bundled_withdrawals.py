"""Withdrawals, returns and removals upstream, as bundles carry them."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from shared.adapters.bundle_files import BundleFileSource
from shared.domain.bundles import (
    CATALOGUE,
    FORMAT,
    FORMAT_WITH_WITHDRAWALS,
    RELEASES,
    WITHDRAWALS,
    BundledWithdrawal,
    BundleManifest,
    BundleStatement,
    file_of,
    lines_of,
)
from shared.domain.coordinates import Coordinate
from shared.domain.errors.requests import Busy
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.release_states import State
from shared.domain.withdrawal_reasons import PublicReason, WithdrawalReason
from shared.ports.metadata import MetadataStore
from shared.services.bundles.bundle_import import ImportStep
from shared.services.record_batches import all_entities
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.bundles import Carrier, Files, bundled
from tests.support.mirrors import change, release_of
from tests.support.port_doubles import Fault
from tests.support.refusals import raises_refusal
from tests.support.upstreams import FakeUpstream
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

URL_OF_SOURCE = "https://source.test"
PULL = dict(ACCEPT_ARCHIVE)
OLD = "tools/hammer:1.0.0"
NEW = "tools/hammer:1.1.0"
REASON = PublicReason(why=WithdrawalReason.MALWARE, note="It mines coins.")


@pytest.fixture
def carrier(tmp_path: Path) -> Carrier:
    return Carrier.new(tmp_path)


@pytest.fixture
async def source(worlds: OpenWorld, upstream: FakeUpstream) -> World:
    """Return a registry with two releases of its own, and one of an upstream."""
    source = await worlds(upstream=upstream.url, url=URL_OF_SOURCE)
    await source.create_organization("tools")
    for name in (OLD, NEW):
        await source.push(bala(name), by=source.people.admin)
    answer = await source.get("/packages/ballerina/io/1.0.0", headers=PULL)
    assert answer.status_code == 302
    return source


@pytest.fixture
async def target(worlds: OpenWorld, source: World, carrier: Carrier) -> World:
    """Return a registry that has all of it, by a bundle."""
    target = await worlds()
    await carrier.export(source, OLD, NEW, "ballerina/io:1.0.0")
    await carrier.deliver(target)
    return target


async def quarantine(world: World, text: str, public: PublicReason | None = None) -> None:
    moderation = world.registry.publishing.moderation
    await moderation.quarantine(Coordinate.from_text(text), "odd", by=OPERATOR, public=public)


async def serve_again(world: World, text: str) -> None:
    await world.registry.publishing.moderation.restore(Coordinate.from_text(text), by=OPERATOR)


async def status_of(world: World, text: str) -> int:
    return (await world.get(f"/packages/{text.replace(':', '/')}", headers=PULL)).status_code


def kept(carrier: Carrier, name: str) -> Path:
    """Keep the bundle under another name."""
    return carrier.file.rename(carrier.folder / name)


async def test_a_withdrawn_release_is_withdrawn_on_the_other_side(
    source: World, target: World, carrier: Carrier
) -> None:
    cursor = (await carrier.export(source, NEW)).manifest.cursor
    await quarantine(source, OLD, REASON)
    plan = await carrier.export(source, after=cursor)
    assert (plan.archives, plan.withdrawn) == ((), 1)
    assert b"odd" not in carrier.file.read_bytes()  # The reason for owners stays here.
    assert (await carrier.deliver(target)).counts == {ImportStep.WITHDRAWN: 1}
    release = await release_of(target, OLD)
    assert (release.state, release.public_reason) == (State.QUARANTINED, REASON)
    assert release.state_reason == f"Bundle: {URL_OF_SOURCE} withdrew it."
    assert await status_of(target, OLD) != 302
    assert await target.java().versions("tools/hammer") == ["1.1.0"]
    assert await status_of(target, NEW) == 302
    assert (await carrier.deliver(target)).counts == {ImportStep.UNCHANGED: 1}
    assert await release_of(target, OLD) == release


async def test_a_removed_release_is_withheld_and_kept(
    source: World, target: World, carrier: Carrier
) -> None:
    cursor = (await carrier.export(source, NEW)).manifest.cursor
    await source.registry.publishing.moderation.remove(Coordinate.from_text(OLD), "x", by=OPERATOR)
    await carrier.export(source, after=cursor)
    assert (await carrier.deliver(target)).counts == {ImportStep.WITHDRAWN: 1}
    release = await release_of(target, OLD)
    assert release.state is State.QUARANTINED
    assert await target.stores.archives.stat(release.archive) is not None


async def test_a_release_that_returns_is_served_again(
    source: World, target: World, carrier: Carrier
) -> None:
    cursor = (await carrier.export(source, NEW)).manifest.cursor
    await quarantine(source, OLD, REASON)
    second = await carrier.export(source, after=cursor)
    await carrier.deliver(target)
    withdrawing = kept(carrier, "withdrawing.bundle")
    await serve_again(source, OLD)
    await carrier.export(source, after=second.manifest.cursor)
    assert (await carrier.deliver(target)).counts == {ImportStep.STORED: 1}
    release = await release_of(target, OLD)
    assert (release.state, release.public_reason) == (State.LIVE, None)
    assert await status_of(target, OLD) == 302
    # The bundle before it says nothing that is not older.
    assert (await carrier.deliver(target, withdrawing)).counts == {ImportStep.UNCHANGED: 1}
    assert (await release_of(target, OLD)).state is State.LIVE


async def test_an_older_bundle_brings_nothing_back(
    worlds: OpenWorld, source: World, target: World, carrier: Carrier
) -> None:
    first = await carrier.export(source, OLD, NEW)
    before = kept(carrier, "before.bundle")
    await quarantine(source, OLD)
    await carrier.export(source, after=first.manifest.cursor)
    await carrier.deliver(target)
    report = await carrier.deliver(target, before)
    assert report.refused == {
        OLD: f"{URL_OF_SOURCE} withdrew it, and no newer bundle of that registry has it"
    }
    assert (await release_of(target, OLD)).state is State.QUARANTINED
    # Nor to a registry that has never had it.
    empty = await worlds()
    assert (await carrier.deliver(empty)).counts == {ImportStep.UNCHANGED: 1}
    report = await carrier.deliver(empty, before)
    assert (list(report.refused), report.counts[ImportStep.IMPORTED]) == ([OLD], 1)
    assert await empty.java().versions("tools/hammer") == ["1.1.0"]


async def test_what_an_administrator_withheld_stays_withheld(
    source: World, target: World, carrier: Carrier
) -> None:
    moderation = target.registry.publishing.moderation
    await moderation.hold(Coordinate.from_text(OLD), "odd", by=OPERATOR)
    await quarantine(target, NEW)
    mine = await release_of(target, NEW)
    cursor = (await carrier.export(source, NEW)).manifest.cursor
    await quarantine(source, OLD)
    await quarantine(source, NEW)
    second = await carrier.export(source, after=cursor)
    assert (await carrier.deliver(target)).counts == {
        ImportStep.WITHDRAWN: 1,
        ImportStep.UNCHANGED: 1,
    }
    assert (await release_of(target, OLD)).state_reason.endswith(" It was held before.")
    assert await release_of(target, NEW) == mine
    await serve_again(source, OLD)
    await serve_again(source, NEW)
    await carrier.export(source, after=second.manifest.cursor)
    assert (await carrier.deliver(target)).counts == {ImportStep.STORED: 2}
    assert (await release_of(target, OLD)).state is State.QUARANTINED
    assert (await release_of(target, NEW)).state is State.QUARANTINED


async def test_each_bundle_carries_withdrawals_whatever_it_selects(
    source: World, carrier: Carrier
) -> None:
    since_ms = source.clock.now_ms()
    plan = await carrier.export(source, NEW, includes_documents=False)
    assert (plan.withdrawn, plan.manifest.format) == (0, FORMAT)  # Earlier versions read it.
    await quarantine(source, OLD)
    by_field: list[dict[str, Any]] = [
        {"orgs": (parse_org("ballerina"),)},
        {"changed_since_ms": since_ms},
        {"coordinates": (Coordinate.from_text(NEW),)},
        {"after": plan.manifest.cursor},
    ]
    for selected in by_field:
        coordinates = [str(each) for each in selected.pop("coordinates", ())]
        selected["includes_documents"] = False
        plan = await carrier.export(source, *coordinates, **selected)
        assert (plan.withdrawn, plan.manifest.format) == (1, FORMAT_WITH_WITHDRAWALS)
    later = await carrier.export(source, after=plan.manifest.cursor)
    assert later.withdrawn == 0


async def test_a_bundle_does_not_carry_what_rules_of_a_mirror_withhold(
    source: World, carrier: Carrier
) -> None:
    await change(source, "ballerina deny")
    assert (await release_of(source, "ballerina/io:1.0.0")).state is State.QUARANTINED
    assert (await carrier.export(source, NEW)).withdrawn == 0


async def test_a_report_says_why_and_whether_for_good(
    source: World, target: World, carrier: Carrier
) -> None:
    moderation = source.registry.publishing.moderation
    await moderation.remove(Coordinate.from_text(OLD), "odd", REASON, by=OPERATOR)
    await quarantine(source, NEW)
    await carrier.export(source, after=0)
    assert (await carrier.deliver(target)).withdrawn == {
        OLD: "malware: It mines coins., for good",
        NEW: "no public reason",
    }
    assert (await release_of(target, OLD)).state_reason == (
        f"Bundle: {URL_OF_SOURCE} removed it for good."
    )


async def test_what_was_never_published_is_not_named(source: World, carrier: Carrier) -> None:
    cursor = (await carrier.export(source, NEW)).manifest.cursor
    admin = source.people.admin
    await source.create_organization("later")  # An event of no package.
    await source.push(bala("tools/hidden:1.0.0", visibility="private"), by=admin)
    await quarantine(source, "tools/hidden:1.0.0")
    await source.registry.publishing.moderation.hold(Coordinate.from_text(OLD), "odd", by=OPERATOR)
    plan = await carrier.export(source, after=cursor)
    assert (plan.archives, plan.withdrawn, plan.left_out) == ((), 0, 0)
    assert b"hidden" not in carrier.file.read_bytes()
    plan = await carrier.export(source, after=cursor, includes_private=True)
    assert plan.withdrawn == 1


async def test_a_withdrawal_says_nothing_of_what_is_ours(
    worlds: OpenWorld, source: World, target: World, carrier: Carrier
) -> None:
    cursor = (await carrier.export(source, NEW)).manifest.cursor
    await quarantine(source, OLD)
    await carrier.export(source, after=cursor)
    ours = await worlds()
    await ours.create_organization("tools")
    assert (await carrier.deliver(ours)).counts == {ImportStep.UNCHANGED: 1}
    await ours.push(bala(OLD), by=ours.people.admin)
    assert "was published in this registry" in (await carrier.deliver(ours)).refused[OLD]
    assert (await release_of(ours, OLD)).state is State.LIVE
    assert await all_entities(ours.stores.directory, BundleStatement) == []
    withdraw(carrier, target, digest="0" * 64)
    assert "another archive" in (await carrier.deliver(target)).refused[OLD]
    assert (await release_of(target, OLD)).state is State.LIVE


def withdraw(carrier: Carrier, target: World, **changes: Any) -> None:
    """Write a bundle that withdraws a release of the source."""
    assert target
    line = BundledWithdrawal(
        org="tools", name="hammer", version="1.0.0", digest="0" * 64, upstream="source.test"
    )
    carrier.write(*with_withdrawals([line.model_copy(update=changes)]))


def with_withdrawals(lines: list[BundledWithdrawal]) -> tuple[Files, BundleManifest]:
    files = [(RELEASES, b""), (CATALOGUE, b""), (WITHDRAWALS, lines_of(lines))]
    manifest = BundleManifest(
        format=FORMAT_WITH_WITHDRAWALS,
        registry=URL_OF_SOURCE,
        cursor=1_000,
        files=tuple(file_of(*each) for each in files),
    )
    return files, manifest


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "../up"}, "no release"),
        ({"upstream": ""}, "does not say whose"),
        ({"public_reason": PublicReason(why=WithdrawalReason.OTHER, note="a\nb")}, "no line"),
    ],
)
async def test_a_hostile_withdrawal_is_refused(
    target: World, carrier: Carrier, changes: dict[str, object], sentence: str
) -> None:
    withdraw(carrier, target, **changes)
    with raises_refusal("bundle-unusable", match=sentence):
        await carrier.deliver(target)


async def test_a_release_that_is_live_and_withdrawn_is_refused(
    target: World, carrier: Carrier
) -> None:
    (releases, catalogue, archive), manifest = bundled({OLD: bala(OLD)})
    line = BundledWithdrawal(
        org="tools", name="hammer", version="1.0.0", digest="0" * 64, upstream="central"
    )
    lists = [releases, catalogue, (WITHDRAWALS, lines_of([line]))]
    listed = (*(file_of(*each) for each in lists), *manifest.archives)
    update = {"format": FORMAT_WITH_WITHDRAWALS, "files": listed}
    carrier.write([*lists, archive], manifest.model_copy(update=update))
    with raises_refusal("bundle-unusable", match=r"it names tools/hammer:1\.0\.0 twice"):
        await carrier.deliver(target)


async def test_a_withdrawal_that_a_crash_interrupted_is_finished(
    source: World, target: World, carrier: Carrier
) -> None:
    cursor = (await carrier.export(source, NEW)).manifest.cursor
    await quarantine(source, OLD)
    second = await carrier.export(source, after=cursor)
    await crash_during_an_import(target, carrier)
    assert (await carrier.deliver(target)).counts == {ImportStep.UNCHANGED: 1}
    assert (await release_of(target, OLD)).outbox == ()
    assert await target.java().versions("tools/hammer") == ["1.1.0"]
    await serve_again(source, OLD)
    await carrier.export(source, after=second.manifest.cursor)
    await crash_during_an_import(target, carrier)
    assert (await carrier.deliver(target)).counts == {ImportStep.STORED: 1}
    assert (await release_of(target, OLD)).outbox == ()
    assert await target.java().versions("tools/hammer") == ["1.1.0", "1.0.0"]


async def crash_during_an_import(target: World, carrier: Carrier) -> None:
    """End an import between the record of a release and its lists."""
    importing = target.registry.bundles.importing
    file = BundleFileSource(carrier.file)
    withdrawals = importing.withdrawals
    writer = withdrawals.package_records
    broken: MetadataStore = Fault("put_entries", Busy()).over(target.stores.metadata)
    derived = replace(writer.derived_data, metadata=broken)
    crashing = replace(withdrawals, package_records=replace(writer, derived_data=derived))
    crashed = replace(importing, withdrawals=crashing)
    with raises_refusal("not-listed-yet"):
        await crashed.run(file, carrier.trusted, progress=lambda *_: None)
    file.close()
