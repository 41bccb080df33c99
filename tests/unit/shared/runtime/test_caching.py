"""The bounded cache, and single flight."""

import asyncio
import tracemalloc
from collections.abc import Callable

import pytest
from pydantic import BaseModel

from shared.domain.packages import Dependency, Release, ReleaseEntry, Texts
from shared.runtime.caching import (
    LruCache,
    SingleFlight,
    VersionedCache,
    memory_of,
    memory_of_entries,
    share_field_names,
)
from tests.contract.sample_records import entry, head, release


def test_a_full_cache_evicts_what_was_put_first() -> None:
    cache = LruCache[str, int](1_000)
    for number in range(1_005):
        cache.put(str(number), number)
    assert len(cache) == 1_000
    assert cache.get("4") is None
    assert cache.get("5") == 5


def test_an_entry_that_is_put_again_is_the_newest() -> None:
    cache = LruCache[str, int](2)
    for key in ("a", "b", "a", "c"):
        cache.put(key, 1)
    assert [key for key, _ in cache._entries.items()] == ["a", "c"]


@pytest.mark.parametrize(("read", "kept"), [("get", ["a", "c"]), ("peek", ["b", "c"])])
def test_get_marks_an_entry_as_used_and_peek_does_not(read: str, kept: list[str]) -> None:
    cache = LruCache[str, int](2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert getattr(cache, read)("a") == 1
    cache.put("c", 3)
    assert [key for key, _ in cache._entries.items()] == kept


def test_the_weight_of_all_entries_is_bounded() -> None:
    cache = LruCache[str, bytes](10, weigh=lambda key, value: len(key) + len(value))
    for key, value in (("a", b"1234"), ("b", b"1234"), ("c", b"1")):
        cache.put(key, value)
    assert [each for _, each in cache._entries.items()] == [b"1234", b"1"]
    assert cache._weight == 7


def test_a_replaced_or_dropped_entry_weighs_nothing() -> None:
    cache = LruCache[str, bytes](10, weigh=lambda _, value: len(value))
    for value in (b"1", b"12345", b"12"):
        cache.put("a", value)
    assert cache._weight == 2
    cache.drop("a")
    cache.drop("a")
    assert (cache._weight, len(cache)) == (0, 0)


def test_what_was_read_at_another_version_is_not_returned() -> None:
    cache = VersionedCache[str, list[int]](10, weigh=len)
    cache.put("a", 1, [1])
    assert (cache.get("a", 1), cache.get("a", 2), cache.get("b", 1)) == ([1], None, None)
    cache.put("a", 2, [2])
    assert (cache.get("a", 1), cache.get("a", 2)) == (None, [2])


def test_versions_share_the_capacity() -> None:
    cache = VersionedCache[str, list[int]](3, weigh=len)
    for number, key in enumerate("abc"):
        cache.put(key, number, [number] * 2)
    assert [cache.get(key, number) for number, key in enumerate("abc")] == [None, None, [2, 2]]


def test_the_entry_that_was_put_last_stays_whatever_its_weight() -> None:
    cache = LruCache[str, bytes](10, weigh=lambda _, value: len(value))
    cache.put("a", b"1")
    cache.put("heavy", b"x" * 100)
    assert [each for _, each in cache._entries.items()] == [b"x" * 100]
    cache.put("b", b"1")
    assert [each for _, each in cache._entries.items()] == [b"1"]


async def test_calls_for_the_same_key_at_the_same_time_share_one_result() -> None:
    single_flight = SingleFlight[int]()
    made = list[int]()

    async def make() -> int:
        made.append(len(made))
        await asyncio.sleep(0)
        return made[-1]

    assert await asyncio.gather(*(single_flight.answer("a", make) for _ in range(3))) == [0, 0, 0]
    assert await single_flight.answer("a", make) == 1


async def test_a_caller_that_gives_up_leaves_the_result_to_the_others() -> None:
    single_flight = SingleFlight[int]()
    gate = asyncio.Event()

    async def make() -> int:
        await gate.wait()
        return 1

    first, second = (asyncio.create_task(single_flight.answer("a", make)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    gate.set()
    assert await second == 1
    assert first.cancelled()


# --- Records that are kept decoded ---------------------------------------------------------------

DEPENDENCIES = tuple(Dependency(org="acme", name=f"p{n}", version="1.0.0") for n in range(3))


def memory_taken(make: Callable[[], object]) -> int:
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    kept = make()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    del kept
    return taken


def test_the_weight_of_entries_is_about_the_memory_that_they_take() -> None:
    texts = [
        entry(f"1.{number}.0", modules=(f"greet{number}",), dependencies=DEPENDENCIES)
        for number in range(1_000)
    ]
    bodies = [each.model_dump_json() for each in texts]
    kept: list[ReleaseEntry] = []

    def decode() -> None:
        kept.extend(share_field_names(ReleaseEntry.model_validate_json(each)) for each in bodies)

    taken = memory_taken(decode)
    assert 0.7 * taken < memory_of_entries(kept) < 1.5 * taken


@pytest.mark.parametrize("letter", ["a", "\u00e9", "\u6f22", "\U0001f600"])
def test_the_weight_of_a_record_counts_its_texts_as_wide_as_they_are(letter: str) -> None:
    lines = tuple(f"{number:03}{letter * 190}" for number in range(100))
    full = release("acme/greet:1.0.0", keywords=lines, modules=("greet",), summary=letter * 300)
    body = Texts(readme=f"{'x' * 10_000}{letter}").model_dump_json(), full.model_dump_json()
    kept = list[BaseModel]()

    def decode() -> None:
        kept.extend([Texts.model_validate_json(body[0]), Release.model_validate_json(body[1])])

    decode()  # The first one builds the models.
    kept.clear()
    taken = memory_taken(decode)
    assert 0.7 * taken < memory_of(tuple(kept)) < 1.5 * taken


def test_decoded_records_share_the_sets_of_their_field_names() -> None:
    records: list[BaseModel] = [
        share_field_names(entry(f"1.{number}.0", dependencies=DEPENDENCIES)) for number in range(2)
    ]
    texts = [each.model_dump_json() for each in records]
    one, two = (share_field_names(ReleaseEntry.model_validate_json(each)) for each in texts)
    assert one.model_fields_set is two.model_fields_set
    assert one.dependencies[0].model_fields_set is two.dependencies[2].model_fields_set
    assert [each.model_dump_json() for each in (one, two)] == texts


def test_records_of_older_code_share_their_sets_as_well() -> None:
    texts = [entry(f"1.{number}.0").model_dump_json() for number in range(3)]
    older = [text.replace('"public_reason":null,', "") for text in texts[:2]]
    assert older != texts[:2]
    one, two, newer = (
        share_field_names(ReleaseEntry.model_validate_json(each)) for each in (*older, texts[2])
    )
    assert one.model_fields_set is two.model_fields_set
    assert newer.model_fields_set - one.model_fields_set == {"public_reason"}


def test_a_record_of_fewer_fields_has_its_own_set() -> None:
    one = share_field_names(entry())
    assert "deprecation" in one.model_fields_set
    few = share_field_names(head())
    assert "pulls" not in few.model_fields_set
    assert "pulls" in few.model_copy(update={"pulls": 1}).model_fields_set
    assert "pulls" not in few.model_fields_set
