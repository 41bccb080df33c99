"""Bounded caches."""

import pytest

from shared.runtime.lru_cache import LruCache, VersionedCache


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
