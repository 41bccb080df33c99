"""What ArchiveStore promises."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.digests import Digest
from shared.domain.archives.names import ArchiveName
from shared.domain.errors.packages import ArchiveLost
from tests.contract.sample_records import BALA, DIGEST, NAME, named
from tests.contract.stores import STORES_OVER_EMULATOR, Stores
from tests.fakes.system import FakeClock
from tests.support.logs import capture_logs

STORES = STORES_OVER_EMULATOR  # Which the fixture `open_stores` reads.
PUBLIC = ArchiveContainer.PUBLIC
FOREVER = 10**15  # Milliseconds: after everything that is stored.


async def stored_ms(stores: Stores, name: ArchiveName = NAME) -> int:
    """Return when the archive was last stored."""
    archive = await stores.archives.stat(name)
    assert archive is not None
    return archive.stored_ms


async def listed(stores: Stores, before_ms: int = FOREVER) -> set[Digest]:
    """Return the digests of the archives that were stored before that time."""
    return {archive.digest async for archive in stores.archives.list(before_ms)}


@pytest.mark.parametrize("count", [7, 700_000])
async def test_an_archive_may_be_stored_from_a_view_of_a_larger_body(
    stores: Stores, count: int
) -> None:
    content = b"".join(number.to_bytes(4, "big") for number in range(count))
    await stores.archives.put(NAME, memoryview(b"head" + content + b"tail")[4:-4], PUBLIC)
    assert await stores.archives.read(NAME) == content


async def test_a_part_of_an_archive_can_be_read(stores: Stores) -> None:
    await stores.archives.put(NAME, BALA, PUBLIC)
    assert await stores.archives.read(NAME, 4) == BALA[4:]
    assert await stores.archives.read(NAME, 4, 9) == BALA[4:13]
    assert await stores.archives.read(NAME, 0, 10_000) == BALA
    assert await stores.archives.read(NAME, len(BALA), 10) == b""


async def test_an_archive_that_is_not_there_cannot_be_read(stores: Stores) -> None:
    with capture_logs() as events, pytest.raises(ArchiveLost, match="acme/greet"):
        await stores.archives.read(NAME)
    assert [each["event"] for each in events] == ["archive.lost"]
    assert await stores.archives.stat(NAME) is None


async def test_storing_again_renews_nothing_but_the_date(stores: Stores, clock: FakeClock) -> None:
    await stores.archives.put(NAME, BALA, PUBLIC)
    clock.advance(timedelta(days=2))
    await stores.archives.put(NAME, BALA, PUBLIC)
    stored = await stores.archives.stat(NAME)
    assert stored is not None
    assert (stored.digest, stored.size_bytes) == (DIGEST, len(BALA))
    assert stored.stored_ms == clock.now_ms()
    assert await stores.archives.read(NAME) == BALA


@pytest.mark.parametrize("container", ArchiveContainer, ids=lambda container: container.value)
async def test_storing_again_replaces_what_is_damaged(
    stores: Stores, clock: FakeClock, container: ArchiveContainer
) -> None:
    damaged = bytes([BALA[0] ^ 1]) + BALA[1:]
    await stores.archives.put(NAME, damaged, container)
    clock.advance(timedelta(days=2))
    await stores.archives.put(NAME, BALA, container)
    assert await stores.archives.read(NAME) == BALA
    assert await stored_ms(stores) == clock.now_ms()


async def test_one_archive_may_be_stored_many_times_at_once(stores: Stores, others: Stores) -> None:
    puts = [
        process.archives.put(NAME, BALA, PUBLIC) for _ in range(10) for process in (stores, others)
    ]
    await asyncio.gather(*puts)
    assert await stores.archives.read(NAME) == BALA


async def test_archives_are_listed_by_when_they_were_stored(
    stores: Stores, clock: FakeClock
) -> None:
    assert await listed(stores) == set()
    names = [named(b"%d" % number) for number in range(20)]
    for name in names:
        await stores.archives.put(name, BALA, PUBLIC)
    old = {name.digest for name in names}
    clock.advance(timedelta(days=1))
    await stores.archives.put(NAME, BALA, PUBLIC)
    assert await listed(stores) == {*old, DIGEST}
    assert await listed(stores, clock.now_ms()) == old
    assert await listed(stores, await stored_ms(stores, names[0])) == set()


async def test_a_deleted_archive_is_in_no_container_and_may_be_deleted_or_stored_again(
    stores: Stores,
) -> None:
    other = named(b"other")
    await stores.archives.put(other, b"other", PUBLIC)
    for container in ArchiveContainer:
        await stores.archives.put(NAME, BALA, container)
    for _ in range(2):
        assert await stores.archives.delete(DIGEST, FOREVER)
        assert await stores.archives.stat(NAME) is None
        assert await listed(stores) == {other.digest}
    await stores.archives.put(NAME, BALA, PUBLIC)
    assert await stores.archives.read(NAME) == BALA


async def test_an_archive_that_was_stored_again_is_not_deleted(
    stores: Stores, clock: FakeClock
) -> None:
    await stores.archives.put(NAME, BALA, PUBLIC)
    clock.advance(timedelta(days=2))
    sweep_began_ms = clock.now_ms()
    await stores.archives.put(NAME, BALA, PUBLIC)
    assert not await stores.archives.delete(DIGEST, sweep_began_ms)
    assert await stores.archives.read(NAME) == BALA


@pytest.mark.slow
async def test_an_archive_stored_during_a_sweep_remains(
    stores: Stores, others: Stores, clock: FakeClock
) -> None:
    for _ in range(50):
        await stores.archives.put(NAME, BALA, PUBLIC)
        clock.advance(timedelta(days=1))
        await asyncio.gather(
            others.archives.delete(DIGEST, clock.now_ms()), stores.archives.put(NAME, BALA, PUBLIC)
        )
        assert await stores.archives.read(NAME) == BALA


# --- containers --------------------------------------------------------------------------------

BOTH = pytest.mark.parametrize("container", ArchiveContainer, ids=lambda container: container.value)


async def containers(stores: Stores) -> list[ArchiveContainer | None]:
    """Return where the archive lies."""
    return [each.container async for each in stores.archives.list(FOREVER)]


@BOTH
@pytest.mark.parametrize(
    "first", ArchiveContainer, ids=lambda container: f"{container.value} first"
)
async def test_an_archive_is_read_from_wherever_it_lies(
    stores: Stores, container: ArchiveContainer, first: ArchiveContainer
) -> None:
    await stores.archives.put(NAME, BALA, container)
    assert await stores.archives.read(NAME, first=first) == BALA
    assert await stores.archives.read(NAME, 4, 9, first=first) == BALA[4:13]
    assert await stores.archives.stat(NAME) is not None


@BOTH
async def test_a_move_puts_the_archive_into_the_other_container_and_may_be_repeated(
    stores: Stores, container: ArchiveContainer, clock: FakeClock
) -> None:
    [other] = set(ArchiveContainer) - {container}
    await stores.archives.put(NAME, BALA, other)
    for _ in range(3):
        await stores.archives.move(NAME, container)
        assert await stores.archives.read(NAME) == BALA
        # What becomes private leaves the public container at once.
        assert container is PUBLIC or await containers(stores) in ([None], [container])
        clock.advance(timedelta(minutes=20))
    assert await containers(stores) in ([None], [container])


async def test_an_archive_that_becomes_public_can_be_read_by_old_links_for_a_while(
    stores: Stores, clock: FakeClock
) -> None:
    await stores.archives.put(NAME, BALA, ArchiveContainer.PRIVATE)
    for _ in range(2):
        await stores.archives.move(NAME, PUBLIC)
        assert await containers(stores) in ([None], [PUBLIC, ArchiveContainer.PRIVATE])
    clock.advance(timedelta(minutes=20))
    await stores.archives.move(NAME, PUBLIC)
    assert await containers(stores) in ([None], [PUBLIC])


async def test_a_move_of_what_is_nowhere_changes_nothing(stores: Stores) -> None:
    await stores.archives.move(NAME, PUBLIC)
    assert await listed(stores) == set()


async def test_an_archive_that_is_moved_there_and_back_can_always_be_read(
    stores: Stores, others: Stores, clock: FakeClock
) -> None:
    await stores.archives.put(NAME, BALA, PUBLIC)
    for _ in range(20):
        clock.advance(timedelta(minutes=20))
        await asyncio.gather(
            *(
                process.archives.move(NAME, container)
                for process in (stores, others)
                for container in ArchiveContainer
            ),
            *(process.archives.read(NAME) for process in (stores, others)),
        )
        assert await stores.archives.read(NAME) == BALA


async def test_an_archive_whose_digest_has_the_same_prefix_is_not_deleted(stores: Stores) -> None:
    other = replace(NAME, digest=Digest(DIGEST.hex[:-1] + ("0" if DIGEST.hex[-1] != "0" else "1")))
    for name in (NAME, other):
        await stores.archives.put(name, BALA, PUBLIC)
    assert await stores.archives.delete(DIGEST, FOREVER)
    assert await listed(stores) == {other.digest}
