"""A backup that is taken while clients push restores to a whole registry."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from shared.adapters.backup import backup, restore
from shared.domain.account_names import AccountName
from shared.domain.accounts import Account
from shared.domain.memberships import Membership
from shared.domain.organizations import Organization
from shared.domain.packages import Release, ReleaseEntry
from shared.domain.search import Query, ResultPage, Viewer
from shared.domain.tokens import Token
from shared.services.record_batches import all_entities
from tests.crash.push_load import traffic
from tests.crash.recovery import check_same, explained
from tests.crash.reference_runs import FolderReferences, start_again
from tests.crash.registry_state import picture, stored
from tests.crash.scenarios import SCENARIOS
from tests.support.registry_process import running_registry
from tests.support.world import Template, World, opened

BACKUPS = 5
PUSHES = 20  # Between two backups.
EVERYBODY = Viewer(sees_everything=True)


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_backup_of_a_running_registry_restores_to_the_same(
    name: str, references: FolderReferences, tmp_path: Path
) -> None:
    reference = await references.of(name)
    folder = reference.copy(tmp_path / "data")
    async with opened(folder, reference.people) as world:
        await reference.scenario.act(world)
        backup(folder, tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "restored")
    assert stored(tmp_path / "restored") == reference.stored_after
    start_again(tmp_path / "restored")
    async with opened(tmp_path / "restored", reference.people) as world:
        check_same(await picture(world, reference.scenario), reference.after)


async def test_a_backup_under_load_restores_to_a_complete_registry(
    template: Template, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    known = list[set[str]]()
    with running_registry(data, workers=2) as host:
        async with traffic(host) as pushed:
            for number in range(BACKUPS):
                await pushed.until(acknowledged=PUSHES)
                known.append(set(pushed.acknowledged))
                await asyncio.to_thread(backup, data, tmp_path / f"backup{number}")
        assert not pushed.refused
    async with opened(data, template.people) as world:
        everything = await content_of(world)
    for number, at_least in enumerate(known):
        with explained(f"backup {number}"):
            restored = tmp_path / f"restored{number}"
            restore(tmp_path / f"backup{number}", restored)
            start_again(restored)
            async with opened(restored, template.people) as world:
                await check_restored(world, everything, at_least)


# Releases by coordinate, and what there is of people.
Content = tuple[Mapping[str, Release], object]


async def content_of(world: World) -> Content:
    """Read all records; what looking and listing change is left out."""
    stores = world.stores
    releases = dict[str, Release]()
    for head in await stores.metadata.packages("", 1_000):
        for release in await stores.metadata.releases(head.package):
            releases[str(release.coordinate)] = release.model_copy(update={"outbox": ()})
    kinds = (Account, AccountName, Organization, Membership, Token)
    return releases, [await all_entities(stores.directory, kind) for kind in kinds]


async def check_restored(world: World, everything: Content, at_least: set[str]) -> None:
    """Nothing is missing, nothing differs, nothing is half there."""
    releases, people = await content_of(world)
    assert at_least <= set(releases)
    assert releases.items() <= everything[0].items()
    assert people == everything[1]
    for task in ("process-outboxes", "audit-archives"):
        report = await world.registry.maintenance.task_runner.run(task)
        assert report is not None
        assert report.problems == ()
    await check_derived(world, releases)


async def check_derived(world: World, releases: Mapping[str, Release]) -> None:
    """Lists, search and feed say of these releases what is so, and of no others."""
    packages = {release.coordinate.package for release in releases.values()}
    surveys = [each for each in await world.stores.metadata.survey([*packages]) if each]
    listed = {f"{s.head.package}:{entry.version}": entry for s in surveys for entry in s.entries}
    assert listed == {name: ReleaseEntry.of(release) for name, release in releases.items()}
    newest = {f"{survey.head.package}:{survey.entries[0].version}" for survey in surveys}
    found = await world.stores.search.search(Query(), ResultPage(limit=100), EVERYBODY)
    assert {str(hit.listing.release.coordinate) for hit in found.hits} == newest
    events = [event for _, event in await world.stores.events.since(0, 100_000)]
    published = [event.subject for event in events if event.kind == "release.published"]
    assert sorted(published) == sorted(releases)
