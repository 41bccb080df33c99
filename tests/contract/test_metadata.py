"""What MetadataStore promises."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from shared.adapters.cloud import CloudStores
from shared.adapters.cosmos.metadata import NAMES
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import NO_PACKAGE, Package
from shared.domain.packages import Dependency, FoundRelease, Head, Release
from shared.domain.release_states import State
from shared.domain.visibility import Visibility
from shared.ports.conflicts import AlreadyThere, Stale
from shared.ports.metadata import VersionDiffersInCase
from shared.ports.pull_ledger import Pull
from tests.contract.sample_records import (
    DIGEST,
    GREET,
    coordinate,
    entry,
    event,
    head,
    package,
    release,
)
from tests.contract.stores import STORES, Stores
from tests.fakes.system import FakeClock
from tests.support.pulls import Process

FIRST = coordinate("acme/greet:1.0.0")


async def claimed(stores: Stores, text: str = "acme/greet", **fields: object) -> Head:
    """Claim a package."""
    return await stores.metadata.claim(head(text, **fields))


async def outcome_of_add(stores: Stores, added: Release) -> str:
    """Try to add a release, and say what came of it."""
    try:
        await stores.metadata.add_release(added)
    except AlreadyThere:
        return "already there"
    return "added"


async def versions(stores: Stores) -> list[str]:
    """Return the versions of the survey of acme/greet, in its order."""
    (survey,) = await stores.metadata.survey([GREET])
    assert survey is not None
    return [each.version for each in survey.entries]


# --- find, by_digest, head ---------------------------------------------------------------------


async def test_nothing_is_found_where_nothing_was_stored(stores: Stores) -> None:
    assert await stores.metadata.find(FIRST) == FoundRelease(None, None)
    assert await stores.metadata.head(GREET) is None


async def test_a_release_is_found_with_its_package(stores: Stores) -> None:
    stored = await claimed(stores)
    assert await stores.metadata.find(FIRST) == FoundRelease(stored, None)
    added = release(dependencies=(Dependency(org="x", name="y", version="1.0.0"),))
    await stores.metadata.add_release(added)
    assert await stores.metadata.find(FIRST) == FoundRelease(stored, added)
    assert await stores.metadata.find(coordinate("acme/greet:1.0.1")) == FoundRelease(stored, None)


class Reader:
    """A check of somebody who may read some packages; remembers about what it was asked."""

    def __init__(self, *readable: Package) -> None:
        self.readable = {each.key for each in readable}
        self.asked: list[tuple[str, Head | None]] = []

    async def __call__(self, requested: Sequence[tuple[Package, Head | None]], /) -> set[str]:
        self.asked += [(package.key, head) for package, head in requested]
        return self.readable


async def test_what_a_check_refuses_does_not_exist(stores: Stores) -> None:
    stored = await claimed(stores, visibility=Visibility.PRIVATE)
    await stores.metadata.add_release(release())
    await stores.metadata.put_entries(GREET, [entry()])
    stranger = Reader()
    member = Reader(GREET)
    absent = package("acme/absent")
    nothing = FoundRelease(None, None)
    assert await stores.metadata.find(FIRST, check=stranger) == nothing
    assert await stores.metadata.by_digest(release().archive_digest, check=stranger) == nothing
    assert await stores.metadata.survey([GREET, absent], check=stranger) == [None, None]
    assert stranger.asked == [(GREET.key, stored)] * 3 + [(absent.key, None)]
    found = FoundRelease(stored, release())
    assert await stores.metadata.find(FIRST, check=member) == found
    assert await stores.metadata.by_digest(release().archive_digest, check=member) == found
    [survey] = await stores.metadata.survey([GREET], check=member)
    assert survey is not None
    assert survey.head == stored


async def test_a_check_is_asked_about_what_is_missing_as_about_what_is_hidden(
    stores: Stores,
) -> None:
    reader = Reader(GREET)
    nothing = FoundRelease(None, None)
    assert await stores.metadata.find(FIRST, check=reader) == nothing
    assert await stores.metadata.by_digest(DIGEST, check=reader) == nothing
    assert await stores.metadata.survey([GREET], check=reader) == [None]
    assert reader.asked == [(GREET.key, None), (NO_PACKAGE.key, None), (GREET.key, None)]


async def test_packages_are_compared_without_case(stores: Stores) -> None:
    stored = await claimed(stores, "Acme/Greet")
    await stores.metadata.add_release(release("ACME/greet:1.0.0"))
    await stores.metadata.put_entries(package("acme/GREET"), [entry()])
    found = await stores.metadata.find(coordinate("aCME/gREET:1.0.0"))
    assert found.head == await stores.metadata.head(package("acme/greet")) == stored
    assert found.release is not None
    assert await versions(stores) == ["1.0.0"]


async def test_writes_of_another_process_are_read_at_once(stores: Stores, others: Stores) -> None:
    assert await others.metadata.find(FIRST) == FoundRelease(None, None)
    stored = await claimed(stores)
    assert await others.metadata.find(FIRST) == FoundRelease(stored, None)
    await stores.metadata.add_release(release())
    assert await others.metadata.find(FIRST) == FoundRelease(stored, release())
    changed = await stores.metadata.replace_release(release(deprecation="Use another."))
    assert await others.metadata.find(FIRST) == FoundRelease(stored, changed)


async def test_a_release_is_found_by_the_digest_of_its_archive(stores: Stores) -> None:
    stored = await claimed(stores)
    await stores.metadata.add_release(release("acme/greet:1.1.0"))
    await stores.metadata.add_release(release(digest=DIGEST.hex))
    found = FoundRelease(stored, release(digest=DIGEST.hex))
    assert await stores.metadata.by_digest(DIGEST) == found
    assert await stores.metadata.by_digest(Digest.of(b"other")) == FoundRelease(None, None)


# --- survey ------------------------------------------------------------------------------------


async def test_a_survey_is_newest_first_by_precedence(stores: Stores) -> None:
    await claimed(stores)
    unordered = ["1.9.0", "1.10.0", "1.9.0-rc.2", "0.1.0", "1.9.0-rc.10", "2.0.0-alpha"]
    for each in unordered[:3]:
        await stores.metadata.put_entries(GREET, [entry(each)])
        await versions(stores)
    await stores.metadata.put_entries(GREET, [entry(each) for each in unordered])
    expected = ["2.0.0-alpha", "1.10.0", "1.9.0", "1.9.0-rc.10", "1.9.0-rc.2", "0.1.0"]
    assert await versions(stores) == expected


async def test_a_survey_holds_entries_of_every_state(stores: Stores) -> None:
    stored = await claimed(stores, visibility=Visibility.PRIVATE)
    entries = [entry(f"{n}.0.0", state=state) for n, state in enumerate(State)]
    await stores.metadata.put_entries(GREET, entries)
    (survey,) = await stores.metadata.survey([GREET])
    assert survey is not None
    assert survey.head == stored
    assert list(survey.entries) == entries[::-1]


async def test_surveys_are_in_the_requested_order_and_none_for_a_missing_package(
    stores: Stores,
) -> None:
    one = await claimed(stores, "acme/one")
    two = await claimed(stores, "acme/two")
    asked = [package(text) for text in ("acme/two", "acme/none", "acme/one", "acme/two")]
    assert await stores.metadata.survey([]) == []
    surveys = await stores.metadata.survey(asked)
    assert [each and each.head for each in surveys] == [two, None, one, two]


async def test_a_survey_of_hundreds_of_packages_is_complete(stores: Stores) -> None:
    names = [f"acme/p{number}" for number in range(250)]
    for name in names:
        await claimed(stores, name)
        await stores.metadata.put_entries(package(name), [entry("1.0.0"), entry("1.1.0")])
    for _ in range(2):  # Cold, then warm.
        surveys = await stores.metadata.survey([package(name) for name in names])
        assert [str(each.head.package) for each in surveys if each] == names
        assert all(each and len(each.entries) == 2 for each in surveys)


async def test_a_survey_of_a_long_history_is_complete(stores: Stores) -> None:
    await claimed(stores)
    history = [f"1.{number}.0" for number in range(700)]
    await stores.metadata.put_entries(GREET, [entry(version) for version in history])
    assert await versions(stores) == history[::-1]
    await stores.metadata.put_entries(GREET, [entry("1.350.1")])
    assert (await versions(stores))[348:351] == ["1.351.0", "1.350.1", "1.350.0"]


async def test_a_survey_shows_what_another_process_wrote(stores: Stores, others: Stores) -> None:
    await claimed(stores)
    await stores.metadata.put_entries(GREET, [entry("1.0.0"), entry("2.0.0")])
    assert await versions(others) == await versions(stores) == ["2.0.0", "1.0.0"]
    await others.metadata.put_entries(GREET, [entry("3.0.0"), entry("1.0.0", revision=2)])
    (survey,) = await stores.metadata.survey([GREET])
    assert survey is not None
    assert [(e.version, e.revision) for e in survey.entries] == [
        ("3.0.0", 1),
        ("2.0.0", 1),
        ("1.0.0", 2),
    ]


# --- claim -------------------------------------------------------------------------------------


async def test_a_claim_of_a_taken_name_returns_its_head_unchanged(stores: Stores) -> None:
    first = await claimed(stores, "Acme/Greet", created_ms=1)
    second = await claimed(stores, "acme/greet", created_ms=2, visibility=Visibility.PRIVATE)
    assert second == await stores.metadata.head(GREET) == first


async def test_concurrent_claims_all_return_the_same_head(stores: Stores, others: Stores) -> None:
    heads = [head(created_ms=number) for number in range(1, 21)]
    claims = [process.metadata.claim(each) for each in heads for process in (stores, others)]
    returned = await asyncio.gather(*claims)
    assert returned == [await stores.metadata.head(GREET)] * 40


# --- add_release -------------------------------------------------------------------------------


async def test_a_version_is_added_only_once_whatever_its_spelling(stores: Stores) -> None:
    await claimed(stores)
    await stores.metadata.add_release(release())
    for spelling in ("acme/greet:1.0.0", "Acme/GREET:1.0.0"):
        with pytest.raises(AlreadyThere):
            await stores.metadata.add_release(release(spelling, digest=DIGEST.hex))
    assert (await stores.metadata.find(FIRST)).release == release()


RC = "acme/greet:1.0.0-rc1"
UPPER_RC = "acme/greet:1.0.0-RC1"


async def test_of_versions_that_differ_in_case_the_first_is_added(stores: Stores) -> None:
    stored = await claimed(stores)
    await stores.metadata.add_release(release(UPPER_RC))
    with pytest.raises(VersionDiffersInCase) as refused:
        await stores.metadata.add_release(release(RC))
    assert refused.value.existing == "1.0.0-RC1"
    assert await stores.metadata.find(coordinate(RC)) == FoundRelease(stored, None)
    assert await stores.metadata.find(coordinate(UPPER_RC)) == FoundRelease(
        stored, release(UPPER_RC)
    )
    assert await outcome_of_add(stores, release(UPPER_RC)) == "already there"
    await claimed(stores, "acme/other")
    await stores.metadata.add_release(release("acme/other:1.0.0-rc1"))
    await stores.metadata.add_release(release("acme/greet:1.0.0-rc2"))
    await stores.metadata.add_release(release("acme/greet:1.0.0"))


async def test_exactly_one_of_concurrent_adds_of_versions_that_differ_in_case_succeeds(
    stores: Stores, others: Stores
) -> None:
    await claimed(stores)
    spelled = ["1.0.0-rc1", "1.0.0-RC1", "1.0.0-Rc1", "1.0.0-rC1"]
    adds = [
        outcome_of_add(process, release(f"acme/greet:{version}"))
        for process in (stores, others)
        for version in spelled
    ]
    outcomes = await asyncio.gather(*adds)
    assert sorted(outcomes) == ["added", *["already there"] * 7]
    assert len(await stores.metadata.releases(GREET)) == 1


async def test_a_pair_of_a_snapshot_is_restored_whole_and_takes_no_third(stores: Stores) -> None:
    stored = await claimed(stores)
    for text in (RC, UPPER_RC):
        await stores.metadata.restore_release(release(text))
    for text in (RC, UPPER_RC):
        found = FoundRelease(stored, release(text))
        assert await stores.metadata.find(coordinate(text)) == found
        assert await outcome_of_add(stores, release(text)) == "already there"
        with pytest.raises(AlreadyThere):
            await stores.metadata.restore_release(release(text))
        changed = await stores.metadata.replace_release(release(text, deprecation="Use 2."))
        assert await stores.metadata.find(coordinate(text)) == FoundRelease(stored, changed)
    with pytest.raises(VersionDiffersInCase):
        await stores.metadata.add_release(release("acme/greet:1.0.0-Rc1"))
    assert len(await stores.metadata.releases(GREET)) == 2


async def test_a_release_of_the_cloud_that_was_stored_without_a_claim_has_its_version(
    tmp_path: Path, clock: FakeClock
) -> None:
    async with STORES["cloud"](tmp_path, clock) as stores:
        assert isinstance(stores, CloudStores)
        await claimed(stores)
        await stores.metadata.add_release(release(UPPER_RC))
        # As earlier versions of the registry stored it.
        await stores.cosmos.container("packages").delete(GREET.key, "version:1.0.0-rc1")
        with pytest.raises(VersionDiffersInCase):
            await stores.metadata.add_release(release(RC))
        assert await outcome_of_add(stores, release(UPPER_RC)) == "already there"


async def test_exactly_one_of_concurrent_adds_succeeds(stores: Stores, others: Stores) -> None:
    await claimed(stores)
    candidates = [release(created_ms=number) for number in range(1, 26)]
    adds = [outcome_of_add(process, each) for each in candidates for process in (stores, others)]
    assert sorted(await asyncio.gather(*adds)) == ["added"] + ["already there"] * 49


async def test_a_release_is_spelled_as_its_head_is(stores: Stores) -> None:
    await claimed(stores, "Acme/Greet")
    await stores.metadata.add_release(release("acme/greet:1.0.0"))
    stored = (await stores.metadata.find(FIRST)).release
    assert stored is not None
    assert str(stored.coordinate) == "Acme/Greet:1.0.0"


# --- replace_release, replace_head -------------------------------------------------------------


async def test_a_replaced_release_has_the_next_revision(stores: Stores) -> None:
    await claimed(stores)
    with pytest.raises(Stale):  # It does not exist yet.
        await stores.metadata.replace_release(release())
    await stores.metadata.add_release(release())
    returned = await stores.metadata.replace_release(release(state=State.HELD))
    assert returned == release(state=State.HELD, revision=2)
    with pytest.raises(Stale):
        await stores.metadata.replace_release(release(deprecation="late"))
    assert (await stores.metadata.find(FIRST)).release == returned


async def test_exactly_one_of_concurrent_replacements_succeeds(
    stores: Stores, others: Stores
) -> None:
    await claimed(stores)
    await stores.metadata.add_release(release())
    attempts = [
        process.metadata.replace_release(release(deprecation=str(number)))
        for number in range(10)
        for process in (stores, others)
    ]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    (winner,) = [each for each in results if isinstance(each, Release)]
    assert sum(isinstance(each, Stale) for each in results) == 19
    assert (await stores.metadata.find(FIRST)).release == winner


async def test_a_replaced_head_has_the_next_revision(stores: Stores, others: Stores) -> None:
    with pytest.raises(Stale):  # It does not exist yet.
        await stores.metadata.replace_head(head())
    stored = await claimed(stores)
    await stores.metadata.survey([GREET])
    changed = stored.model_copy(update={"visibility": Visibility.PRIVATE})
    returned = await others.metadata.replace_head(changed)
    assert returned == changed.model_copy(update={"revision": 2})
    (survey,) = await stores.metadata.survey([GREET])
    assert survey is not None
    assert survey.head == returned
    with pytest.raises(Stale):
        await stores.metadata.replace_head(stored.model_copy(update={"deprecation": "late"}))
    assert await stores.metadata.head(GREET) == returned


async def test_a_replaced_head_has_the_pulls_that_were_counted(stores: Stores) -> None:
    stored = await claimed(stores)
    await stores.pulls.record(Process().batch(Pull(FIRST, "2026-11-20", "caller", 1)))
    await stores.pulls.roll_up(before_window=1, today="2026-11-20")
    returned = await stores.metadata.replace_head(stored.model_copy(update={"pulls": 50}))
    assert returned.pulls == 1
    assert await stores.metadata.head(GREET) == returned


# --- put_entries -------------------------------------------------------------------------------


@pytest.mark.parametrize("revisions", [(1, 2), (2, 1)])
async def test_the_entry_of_the_higher_revision_stays(
    stores: Stores, revisions: tuple[int, int]
) -> None:
    await claimed(stores)
    for revision in revisions:
        renewed = entry(revision=revision, deprecation=f"revision {revision}")
        await stores.metadata.put_entries(GREET, [renewed])
    (survey,) = await stores.metadata.survey([GREET])
    assert survey is not None
    assert survey.entries == (entry(revision=2, deprecation="revision 2"),)


async def test_an_entry_that_is_derived_otherwise_now_is_renewed(stores: Stores) -> None:
    await claimed(stores)
    await stores.metadata.put_entries(GREET, [entry()])
    await stores.metadata.survey([GREET])
    await stores.metadata.put_entries(GREET, [entry(modules=("greet",))])
    (survey,) = await stores.metadata.survey([GREET])
    assert survey is not None
    assert survey.entries == (entry(modules=("greet",)),)


async def test_concurrent_puts_all_arrive(stores: Stores, others: Stores) -> None:
    await claimed(stores)
    puts = [
        process.metadata.put_entries(GREET, [entry(f"{number}.{place}.0")])
        for number in range(20)
        for place, process in enumerate((stores, others))
    ]
    await asyncio.gather(*puts)
    assert await versions(others) == await versions(stores)
    assert len(await versions(stores)) == 40


# --- for upkeep --------------------------------------------------------------------------------


async def test_every_release_of_a_package_can_be_read(stores: Stores) -> None:
    await claimed(stores)
    await claimed(stores, "acme/other")
    added = [release("acme/greet:1.0.0"), release("acme/greet:0.9.0", state=State.REMOVED)]
    for each in [*added, release("acme/other:1.0.0")]:
        await stores.metadata.add_release(each)
    stored = await stores.metadata.releases(GREET)
    assert sorted(stored, key=str) == sorted(added, key=str)
    assert await stores.metadata.releases(package("acme/none")) == []


async def test_packages_are_listed_page_by_page_in_order_of_key(stores: Stores) -> None:
    for text in ("b/b", "A/z", "a/B", "c/a"):
        await claimed(stores, text)
    first = await stores.metadata.packages("", 3)
    assert [str(each.package) for each in first] == ["a/B", "A/z", "b/b"]
    rest = await stores.metadata.packages(first[-1].package.key, 3)
    assert [str(each.package) for each in rest] == ["c/a"]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
async def test_a_page_of_packages_is_full_unless_it_is_the_last(stores: Stores, count: int) -> None:
    texts = ("a/a", "a/c", "a/f", "b/b", "b/z")
    for text in texts:
        await claimed(stores, text)
    if isinstance(stores, CloudStores):
        # What is left of claims that did not end.
        for name in ("a/0", "a/b", "a/d", "a/e", "b/a"):
            item = {"id": name.replace("/", ":"), "pk": NAMES, "key": name}
            await stores.cosmos.container("packages").put(item)
    listed = list[str]()
    for start in range(0, len(texts), count):
        after = listed[-1] if listed else ""
        page = await stores.metadata.packages(after, count)
        assert len(page) == min(count, len(texts) - start)
        listed += [each.key for each in page]
    assert listed == list(texts)
    assert await stores.metadata.packages(listed[-1], count) == []


async def test_records_with_waiting_events_are_listed_oldest_first(stores: Stores) -> None:
    await claimed(stores, outbox=(event("e3", at_ms=3),))
    await stores.metadata.add_release(release("acme/greet:1.0.0", outbox=(event("e2", at_ms=2),)))
    await stores.metadata.add_release(release("acme/greet:1.1.0", outbox=(event("e4", at_ms=4),)))
    await stores.metadata.add_release(release("acme/greet:1.2.0"))
    late = release("acme/greet:1.2.0", outbox=(event("e5", at_ms=5),))
    await stores.metadata.replace_release(late)
    waiting = await stores.metadata.records_with_outbox(4)
    assert [each.outbox[0].id for each in waiting] == ["e2", "e3", "e4", "e5"]
    assert await stores.metadata.records_with_outbox(1) == waiting[:1]


# --- tools -------------------------------------------------------------------------------------


async def test_a_claimed_tool_stays_with_its_owner(stores: Stores) -> None:
    assert await stores.metadata.claim_tool("health", GREET) == GREET
    assert await stores.metadata.claim_tool("health", package("evil/greet")) == GREET
    assert await stores.metadata.tool_owners(["health"]) == [GREET]


async def test_exactly_one_of_concurrent_claims_of_a_tool_succeeds(
    stores: Stores, others: Stores
) -> None:
    claims = [
        process.metadata.claim_tool("health", package(f"acme/p{number}"))
        for number in range(10)
        for process in (stores, others)
    ]
    owners = set(await asyncio.gather(*claims))
    assert [*owners] == await stores.metadata.tool_owners(["health"])


async def test_owners_are_in_the_requested_order_and_none_for_an_unclaimed_tool(
    stores: Stores,
) -> None:
    await stores.metadata.claim_tool("one", GREET)
    await stores.metadata.claim_tool("two", package("acme/other"))
    owners = await stores.metadata.tool_owners(["two", "free", "one"])
    assert owners == [package("acme/other"), None, GREET]
    assert await stores.metadata.tool_owners(["one", "free"] * 200) == [GREET, None] * 200
