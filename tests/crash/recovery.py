"""What must hold for a registry that starts again after a crash."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from shared.adapters.embedded import open_embedded
from shared.services.adapters import Adapters
from tests.crash.reference_runs import FolderReference, Reference, start_again, sweep_a_day_later
from tests.crash.registry_state import RegistryState, check_token_events, picture, stored
from tests.crash.scenarios import settle
from tests.fakes.system import FakeClock, FakeRandomness
from tests.support.world import World, opened

FAR_AWAY_MS = 4_000_000_000_000  # Later than whatever a real clock says.

# A founding is a change of its own, which stays where the push that it was for does not.
FIRST = ("organization.founded",)


@contextmanager
def explained(where: str) -> Generator[None]:
    """Let a failure say at which of many places it happened."""
    try:
        yield
    except BaseException as failure:
        failure.add_note(where)
        raise


async def check_repeat(reference: FolderReference, folder: Path) -> None:
    """Start again: nothing is half there, and the repeated request finishes it."""
    start_again(folder)
    async with opened(folder, reference.people, _other_ids) as world:
        check_old_or_new(reference, await _look(reference, world))
        await check_repeated(reference, world)
    check_stored(reference, folder)


async def check_upkeep(reference: FolderReference, folder: Path) -> None:
    """Start again: upkeep alone makes it whole or absent, and a repeat still succeeds."""
    start_again(folder)
    async with opened(folder, reference.people, _other_ids) as world:
        await check_settled(reference, world)
        await sweep_a_day_later(world)
        await check_repeated(reference, world)
    check_stored(reference, folder)


async def check_kept(reference: FolderReference, folder: Path) -> None:
    """Start again: a change that was answered is there as it would be without the crash."""
    start_again(folder)
    async with opened(folder, reference.people, _other_ids) as world:
        check_same(await _look(reference, world), reference.after)


async def check_settled(reference: Reference, world: World) -> None:
    """Let upkeep run: everything is as it was before the request, or as it is after it."""
    assert (await settle(world)).is_success
    check_whole(reference, await _look(reference, world))


def check_whole(reference: Reference, seen: RegistryState) -> None:
    """Everything is as it was before the request, or as it is after it."""
    check_old_or_new(reference, seen)
    before = reference.before
    after = reference.after
    if seen.packages != before.packages:
        check_same(seen, after)
    elif before.packages != after.packages:
        new = seen.feed[len(before.feed) :]
        assert all(event.startswith(FIRST) for event in new), new


async def check_repeated(reference: Reference, world: World) -> None:
    """Send the request again: it succeeds, and everything is as if it had succeeded at once."""
    answer = await reference.scenario.act(world)
    assert answer.status_code in reference.scenario.repeated, answer.text
    check_same(await _look(reference, world), reference.after)


def check_old_or_new(reference: Reference, seen: RegistryState) -> None:
    """Whatever anybody asks for is as it was or as it is to be, and never anything else."""
    before = reference.before
    after = reference.after
    for request, answer in seen.packages.items():
        assert answer in (before.packages[request], after.packages[request]), request
    assert seen.organizations in (before.organizations, after.organizations)
    assert seen.tokens in (before.tokens, after.tokens)
    assert Counter(seen.feed) <= Counter(after.feed)
    assert seen.feed[: len(before.feed)] == before.feed


def check_same(seen: RegistryState, expected: RegistryState) -> None:
    """Everything is as expected, and each event is there once."""
    different = [key for key, seen_ in seen.packages.items() if seen_ != expected.packages[key]]
    assert not different, {key: seen.packages[key] for key in different}
    assert seen.organizations == expected.organizations
    assert seen.tokens == expected.tokens
    assert _without_sweeps(seen) == _without_sweeps(expected)


def _without_sweeps(seen: RegistryState) -> Counter[str]:
    """Return the events but those of a sweep, which comes a day later and says what it deleted."""
    return Counter(each for each in seen.feed if not each.startswith("release.erased "))


async def _look(reference: Reference, world: World) -> RegistryState:
    await check_token_events(world)
    return await picture(world, reference.scenario)


def check_stored(reference: FolderReference, folder: Path) -> None:
    """Nothing lies on the disk that does not belong there, once unfinished files are removed."""
    open_embedded(folder, FakeClock(FAR_AWAY_MS)).migrate()
    assert stored(folder) in (reference.stored_after, reference.stored_swept)


def _other_ids(stores: Adapters) -> Adapters:
    return replace(stores, randomness=FakeRandomness("started again"))
