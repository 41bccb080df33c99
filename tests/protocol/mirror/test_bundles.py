"""Bundles carry releases from one registry to another that no network reaches."""

import json
import tarfile
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.adapters.bundle_files import BundleFileSource
from shared.domain.coordinates import Coordinate
from shared.domain.errors.requests import Busy
from shared.domain.names import parse_org
from shared.domain.organizations import NameOwner, name_owner_place
from shared.domain.principals import OPERATOR
from shared.domain.release_states import State
from shared.domain.visibility import Visibility
from shared.ports.metadata import MetadataStore
from shared.services.bundles.bundle_import import ImportStep
from shared.services.packages.pull_counter import utc_day
from tests.protocol.bal.failures import ClientFailure
from tests.support.archives import bala
from tests.support.bundles import Carrier, bundled
from tests.support.mirrors import events_of, release_of, services, status
from tests.support.port_doubles import Fault
from tests.support.refusals import raises_refusal
from tests.support.upstreams import PUBLISHED_MS, FakeUpstream
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

DAY = timedelta(days=1)
URL_OF_SOURCE = "https://source.test"


@pytest.fixture
def carrier(tmp_path: Path) -> Carrier:
    return Carrier.new(tmp_path)


@pytest.fixture
async def source(worlds: OpenWorld, upstream: FakeUpstream) -> World:
    """Return a registry with packages of its own, and some of an upstream."""
    source = await worlds(upstream=upstream.url, url=URL_OF_SOURCE)
    await source.create_organization("tools")
    admin = source.people.admin
    for version in ("1.0.0", "1.1.0"):
        await source.push(bala(f"tools/hammer:{version}", summary="Hits."), by=admin)
    await source.push(bala("tools/secret:1.0.0", visibility="private"), by=admin)
    return source


async def test_a_bundle_goes_to_an_empty_registry_and_serves_a_build_there(
    worlds: OpenWorld, source: World, upstream: FakeUpstream, carrier: Carrier
) -> None:
    await pull(source, "ballerina/io:1.0.0")
    await carrier.export(source, "ballerina/io:1.0.0", "tools/hammer:1.1.0")
    target = await worlds()
    report = await carrier.deliver(target)
    assert report.counts == {ImportStep.IMPORTED: 2}
    assert report.manifest.registry == URL_OF_SOURCE
    for bal in (target.java(), target.go()):
        pulled = await bal.pull("ballerina/io:*")
        assert pulled.content == upstream.archives["ballerina/io:1.0.0"]
        await bal.pull("tools/hammer:1.1.0")
    wanted = {"org": "ballerina", "name": "io", "version": "1.0.0", "mode": "locked"}
    answer = await target.java().resolve_dependencies([wanted])
    assert [each["version"] for each in answer["resolved"]] == ["1.0.0"]
    assert (await target.java().search("org:tools"))["count"] == 1


async def pull(world: World, text: str) -> None:
    """Pull a release, so that it is stored."""
    assert await status(world, f"/packages/{text.replace(':', '/')}") == 302


async def test_times_deprecations_and_owners_are_carried(
    worlds: OpenWorld, source: World, upstream: FakeUpstream, carrier: Carrier
) -> None:
    upstream.deprecated["ballerina/io:1.0.0"] = "old"
    await pull(source, "ballerina/io:1.0.0")
    hammer = Coordinate.from_text("tools/hammer:1.1.0")
    await source.registry.packages.deprecation.deprecate_package(
        hammer.package, "use a saw", by=OPERATOR
    )
    await carrier.export(source, "ballerina/io:1.0.0", "tools/hammer:1.1.0")
    target = await worlds()
    await carrier.deliver(target)
    io = await release_of(target, "ballerina/io:1.0.0")
    hit = await release_of(target, str(hammer))
    assert (io.created_ms, io.deprecation) == (PUBLISHED_MS, "old")
    assert io.upstream is not None
    assert hit.upstream is not None
    assert (io.upstream.name, hit.upstream.name) == (
        upstream.url.removeprefix("http://"),
        "source.test",
    )
    head = await target.stores.metadata.head(hammer.package)
    assert head is not None
    assert head.deprecation == "use a saw"
    owner = await target.stores.directory.get(NameOwner, name_owner_place(parse_org("tools")))
    assert owner is not None
    assert owner.upstream == "source.test"


async def test_a_bundle_has_the_signatures_of_its_releases_in_the_form_of_their_metadata(
    source: World, carrier: Carrier
) -> None:
    await carrier.export(source, "tools/hammer:1.1.0")
    with tarfile.open(carrier.file) as bundle:
        lines = bundle.extractfile("releases.jsonl")
        assert lines is not None
        line = json.loads(lines.read())
    shown = (await source.get("/packages/tools/hammer/1.1.0")).json()
    assert line["signatures"] == shown["signatures"] != []


async def test_the_same_content_has_the_same_bytes(source: World, carrier: Carrier) -> None:
    await carrier.export(source, "tools/hammer:1.1.0", "tools/hammer:1.0.0")
    first = carrier.file.read_bytes()
    await carrier.export(source, "tools/hammer:1.0.0", "tools/hammer:1.1.0")
    assert carrier.file.read_bytes() == first


async def test_a_bundle_is_imported_once(
    worlds: OpenWorld, source: World, carrier: Carrier
) -> None:
    await carrier.export(source, orgs=(parse_org("tools"),))
    target = await worlds()
    assert (await carrier.deliver(target)).counts == {ImportStep.IMPORTED: 2}
    before = await target.stores.events.since(0, 500)
    assert (await carrier.deliver(target)).counts == {ImportStep.STORED: 2}
    assert await target.stores.events.since(0, 500) == before


async def test_private_packages_are_in_no_bundle_unless_that_is_said(
    source: World, carrier: Carrier
) -> None:
    plan = await carrier.export(source, orgs=(parse_org("tools"),))
    assert (len(plan.archives), plan.left_out) == (2, 1)
    assert b"secret" not in carrier.file.read_bytes()
    with raises_refusal("bundle-private"):
        await carrier.export(source, "tools/secret:1.0.0")
    plan = await carrier.export(source, "tools/secret:1.0.0", includes_private=True)
    assert plan.not_public == ("tools/secret",)


async def test_a_private_package_is_internal_where_it_is_imported(
    worlds: OpenWorld, source: World, carrier: Carrier
) -> None:
    named = ("tools/secret:1.0.0", "tools/hammer:1.0.0")
    await carrier.export(source, *named, includes_private=True)
    target = await worlds()
    for _ in range(2):
        assert (await carrier.deliver(target)).internal == {"tools/secret"}
    await target.java(target.people.bob).pull("tools/secret:1.0.0")
    with pytest.raises(ClientFailure, match="package not found"):
        await target.java().pull("tools/secret:1.0.0")
    await target.java().pull("tools/hammer:1.0.0")
    onward = await carrier.export(target, orgs=(parse_org("tools"),))
    assert (len(onward.archives), onward.left_out) == (1, 1)


async def test_a_package_that_became_public_is_public_after_the_next_bundle(
    worlds: OpenWorld, source: World, carrier: Carrier
) -> None:
    secret = Coordinate.from_text("tools/secret:1.0.0")
    target = await worlds()
    await carrier.export(source, str(secret), includes_private=True)
    await carrier.deliver(target)
    await source.registry.packages.visibility.change(secret.package, Visibility.PUBLIC, by=OPERATOR)
    source.clock.advance(timedelta(seconds=10))
    await carrier.export(source, str(secret))
    assert not (await carrier.deliver(target)).internal
    target.clock.advance(timedelta(seconds=10))
    await target.java().pull(str(secret))


async def test_what_is_not_stored_is_named_and_no_bundle_is_written(
    source: World, carrier: Carrier
) -> None:
    names = ["ballerina/io:1.0.0", *(f"tools/none{number}:1.0.0" for number in range(6))]
    with raises_refusal(
        "bundle-incomplete", match=r"^7 releases .*: ballerina/io:1.0.0, .* 2 more"
    ):
        await carrier.export(source, *names)
    await source.registry.publishing.moderation.hold(
        Coordinate.from_text("tools/hammer:1.0.0"), "odd", by=OPERATOR
    )
    with raises_refusal("bundle-incomplete", match="1 release is not stored here"):
        await carrier.export(source, "tools/hammer:1.0.0")
    assert not carrier.file.exists()


async def test_an_archive_that_is_damaged_ends_the_export(source: World, carrier: Carrier) -> None:
    exporting = source.registry.bundles.exporting
    coordinate = Coordinate.from_text("tools/hammer:1.0.0")
    plan = await carrier.export(source, str(coordinate))
    lost = replace(plan, archives=(plan.archives[0].model_copy(update={"digest": "0" * 64}),))
    with raises_refusal("bundle-incomplete"):
        async for _ in exporting.pieces(lost, carrier.key):
            pass


async def test_a_bundle_begins_where_the_last_one_ended(
    worlds: OpenWorld, source: World, carrier: Carrier
) -> None:
    first = await carrier.export(source, orgs=(parse_org("tools"),))
    target = await worlds()
    await carrier.deliver(target)
    admin = source.people.admin
    await source.push(bala("tools/hammer:1.2.0"), by=admin)
    hammer = Coordinate.from_text("tools/hammer:1.0.0")
    await source.registry.packages.deprecation.deprecate(hammer, "old", by=OPERATOR)
    second = await carrier.export(source, after=first.manifest.cursor)
    assert [str(each.coordinate) for each in second.archives] == [
        "tools/hammer:1.0.0",
        "tools/hammer:1.2.0",
    ]
    assert second.manifest.after == first.manifest.cursor
    report = await carrier.deliver(target)
    assert report.counts == {ImportStep.IMPORTED: 1, ImportStep.STORED: 1}
    assert (await release_of(target, "tools/hammer:1.0.0")).deprecation == "old"
    third = await carrier.export(source, after=second.manifest.cursor)
    assert third.archives == ()


async def test_a_deprecated_package_comes_with_all_of_its_releases(
    worlds: OpenWorld, source: World, carrier: Carrier
) -> None:
    hammer = Coordinate.from_text("tools/hammer:1.0.0")
    deprecation = source.registry.packages.deprecation
    await deprecation.deprecate(hammer, "old", by=OPERATOR)
    first = await carrier.export(source, orgs=(parse_org("tools"),))
    target = await worlds()
    await carrier.deliver(target)
    await deprecation.undeprecate(hammer, by=OPERATOR)
    await deprecation.deprecate_package(hammer.package, "all of it", by=OPERATOR)
    second = await carrier.export(source, after=first.manifest.cursor)
    assert len(second.archives) == 2
    await carrier.deliver(target)
    found = await target.stores.metadata.find(hammer)
    assert found.head is not None
    assert found.release is not None
    assert (found.head.deprecation, found.release.deprecation) == ("all of it", None)
    told = await events_of(target, "package.deprecated", "package.undeprecated")
    assert [each.kind for each in told] == ["package.deprecated"]


async def test_what_was_pulled_or_changed_since_a_day_is_selected(
    source: World, carrier: Carrier
) -> None:
    source.clock.advance(2 * DAY)
    since_ms = source.clock.now_ms()
    await pull(source, "tools/hammer:1.0.0")
    await source.write_pulls()
    await source.registry.maintenance.task_runner.run("roll-up-pulls")
    pulled = await carrier.export(source, pulled_since=utc_day(since_ms))
    assert [str(each.coordinate) for each in pulled.archives] == ["tools/hammer:1.0.0"]
    await source.push(bala("tools/saw:1.0.0"), by=source.people.admin)
    changed = await carrier.export(source, changed_since_ms=since_ms)
    assert [str(each.coordinate) for each in changed.archives] == ["tools/saw:1.0.0"]
    await source.registry.packages.deprecation.deprecate_package(
        Coordinate.from_text("tools/hammer:1.0.0").package, "old", by=OPERATOR
    )
    changed = await carrier.export(source, changed_since_ms=since_ms)
    assert len(changed.archives) == 3


async def test_the_catalogue_names_what_the_bundle_does_not_have(
    source: World, carrier: Carrier
) -> None:
    plan = await carrier.export(source, "tools/hammer:1.0.0")
    assert plan.lists[1] == (b'{"name":"tools/hammer","version":"1.1.0","summary":"Hits."}\n')
    plan = await carrier.export(source, "tools/hammer:1.0.0", includes_private=True)
    assert b"tools/secret" in plan.lists[1]
    await source.registry.publishing.moderation.hold(
        Coordinate.from_text("tools/secret:1.0.0"), "odd", by=OPERATOR
    )
    plan = await carrier.export(source, "tools/hammer:1.0.0", includes_private=True)
    assert b"tools/secret" not in plan.lists[1]


async def test_a_release_of_ours_is_never_overwritten(worlds: OpenWorld, carrier: Carrier) -> None:
    target = await worlds()
    ours = bala("acme/greet:1.0.0", summary="ours")
    await target.push(ours)
    theirs = {
        "acme/greet:1.0.0": bala("acme/greet:1.0.0", summary="theirs"),
        "acme/other:1.0.0": bala("acme/other:1.0.0"),
        "ballerina/io:1.0.0": bala("ballerina/io:1.0.0"),
    }
    carrier.write(*bundled(theirs))
    report = await carrier.deliver(target)
    assert report.counts == {ImportStep.REFUSED: 2, ImportStep.IMPORTED: 1}
    assert report.refused["acme/greet:1.0.0"] == "this registry has another archive of it"
    assert "belongs to this registry" in report.refused["acme/other:1.0.0"]
    assert (await target.java().pull("acme/greet:1.0.0")).content == ours


async def test_what_was_published_here_comes_home_unchanged(
    worlds: OpenWorld, carrier: Carrier
) -> None:
    target = await worlds()
    await target.push(bala("acme/greet:1.0.0"))
    await carrier.export(target, "acme/greet:1.0.0")
    assert (await carrier.deliver(target)).counts == {ImportStep.STORED: 1}


async def test_another_digest_of_a_pinned_release_is_an_incident(
    worlds: OpenWorld, carrier: Carrier
) -> None:
    target = await worlds()
    first = bala("ballerina/io:1.0.0")
    carrier.write(*bundled({"ballerina/io:1.0.0": first}))
    await carrier.deliver(target)
    carrier.write(*bundled({"ballerina/io:1.0.0": bala("ballerina/io:1.0.0", summary="changed")}))
    report = await carrier.deliver(target)
    assert report.refused == {
        "ballerina/io:1.0.0": "the upstream changed its archive after it was first seen here."
    }
    assert (await target.java().pull("ballerina/io:1.0.0")).content == first


async def test_a_name_of_another_upstream_is_left_out(worlds: OpenWorld, carrier: Carrier) -> None:
    target = await worlds()
    carrier.write(*bundled({"ballerina/io:1.0.0": bala("ballerina/io:1.0.0")}))
    await carrier.deliver(target)
    other = bundled({"ballerina/http:1.0.0": bala("ballerina/http:1.0.0")}, upstream="mirror.test")
    carrier.write(*other)
    report = await carrier.deliver(target)
    assert "to another upstream than mirror.test" in report.refused["ballerina/http:1.0.0"]


async def test_another_spelling_of_a_package_is_left_out(
    worlds: OpenWorld, carrier: Carrier
) -> None:
    target = await worlds()
    carrier.write(*bundled({"ballerina/io:1.0.0": bala("ballerina/io:1.0.0")}))
    await carrier.deliver(target)
    carrier.write(*bundled({"ballerina/IO:1.1.0": bala("ballerina/IO:1.1.0")}))
    assert list((await carrier.deliver(target)).refused) == ["ballerina/IO:1.1.0"]


async def test_a_release_that_was_withheld_here_stays_withheld(
    worlds: OpenWorld, carrier: Carrier
) -> None:
    target = await worlds()
    carrier.write(*bundled({"ballerina/io:1.0.0": bala("ballerina/io:1.0.0")}))
    await carrier.deliver(target)
    io = Coordinate.parse("ballerina", "io", "1.0.0")
    await target.registry.publishing.moderation.hold(io, "odd", by=OPERATOR)
    assert (await carrier.deliver(target)).counts == {ImportStep.STORED: 1}
    assert (await release_of(target, "ballerina/io:1.0.0")).state is State.HELD


async def test_an_import_finishes_what_a_crash_left_of_a_release(
    worlds: OpenWorld, carrier: Carrier
) -> None:
    target = await worlds()
    carrier.write(*bundled({"ballerina/io:1.0.0": bala("ballerina/io:1.0.0")}))
    importing = target.registry.bundles.importing
    file = BundleFileSource(carrier.file)
    releases = importing.releases
    broken: MetadataStore = Fault("put_entries", Busy()).over(releases.metadata)
    derived = replace(releases.derived_data, metadata=broken)
    crashed = replace(importing, releases=replace(releases, derived_data=derived))
    with raises_refusal("not-listed-yet"):
        await crashed.run(file, carrier.trusted, progress=lambda *_: None)
    file.close()
    assert await target.java().versions("ballerina/io") == []
    assert (await carrier.deliver(target)).counts == {ImportStep.STORED: 1}
    assert await target.java().versions("ballerina/io") == ["1.0.0"]


async def test_names_that_look_alike_are_imported_together(
    worlds: OpenWorld, carrier: Carrier
) -> None:
    names = [f"{org}/greet:1.0.0" for org in ("shammi", "shammi1", "shammil", "acne")]
    carrier.write(*bundled({each: bala(each) for each in names}))
    target = await worlds()
    report = await carrier.deliver(target)
    assert (report.counts, report.refused) == ({ImportStep.IMPORTED: len(names)}, {})
    for name in names:
        assert (await target.java().pull(name)).content == bala(name)


async def test_a_removal_upstream_is_carried_as_a_mark(
    worlds: OpenWorld, source: World, upstream: FakeUpstream, carrier: Carrier
) -> None:
    io = "ballerina/io:1.0.0"
    target = await worlds()
    releases = services(source).admission.releases
    await pull(source, io)
    cursor = (await carrier.export(source, io)).manifest.cursor
    await carrier.deliver(target)
    await releases.follow(await release_of(source, io), None, source.clock.now_ms())
    second = await carrier.export(source, after=cursor)
    assert [str(each.coordinate) for each in second.archives] == [io]
    await carrier.deliver(target)
    marked = await release_of(target, io)
    assert marked.upstream is not None
    assert marked.upstream.removed_ms == source.clock.now_ms()
    assert (marked.upstream.name, marked.state) == (upstream.name, State.LIVE)
    await releases.follow(await release_of(source, io), None, None)
    await carrier.export(source, after=second.manifest.cursor)
    await carrier.deliver(target)
    restored = await release_of(target, io)
    assert restored.upstream is not None
    assert restored.upstream.removed_ms is None
