"""Records that are kept decoded: how much memory they take, and how they take less."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from enum import Enum
from sys import getsizeof
from typing import TypeVar, cast

from pydantic import BaseModel

from shared.domain.packages import Dependency, Release, ReleaseEntry
from shared.domain.records import Record
from shared.domain.versions import Precedence

R = TypeVar("R", bound=Record)

SURVEYS_CACHED_BYTES = 16 * 1024 * 1024  # All 6,785 versions of Ballerina Central take 11 MB.

# Measured with tracemalloc over the index of Ballerina Central.
_ENTRY_BYTES = 800
_DEPENDENCY_BYTES = 300
_SIGNATURE_BYTES = 250
_TEXT_BYTES = 60  # Memory of a text besides its characters.
_RECORD_BYTES = 300  # Memory of any record.
_FIELD_BYTES = 60  # Memory of each field, including its name in the set of names.


def share_field_names(record: R) -> R:
    """Share the sets of field names between decoded records and their dependencies.

    Pydantic creates a set for each model, of the fields that were in the JSON. An entry with eight
    dependencies takes 5,530 bytes with these sets, and 2,930 with shared ones.
    """
    _share(record)
    if isinstance(record, (Release, ReleaseEntry)):
        for each in record.dependencies:
            _share(each)
    return record


def _share(record: Record) -> None:
    own = record.__pydantic_fields_set__
    names = _field_names.setdefault(frozenset(own), own)
    if names is not own:
        # Pydantic documents the attribute, but not that it may be set. Its own way to set it,
        # `model_construct`, takes twice as long as decoding; sets that are emptied by
        # `model_fields_set.clear()` save a quarter as much.
        object.__setattr__(record, "__pydantic_fields_set__", names)


# One set for each combination of fields in records: older code stored fewer fields, and fields with
# their default may not be stored.
_field_names: dict[frozenset[str], set[str]] = {}


def merge_entries(
    entries: tuple[ReleaseEntry, ...], changed: Sequence[ReleaseEntry]
) -> tuple[tuple[ReleaseEntry, ...], int]:
    """Return the entries with the changed ones, newest version first, and about how many more bytes
    of memory they take."""
    if not entries:
        distinct = {each.version: each for each in changed}.values()
        return tuple(sorted(distinct, key=_precedence, reverse=True)), memory_of_entries(distinct)
    replaced = list[ReleaseEntry]()
    if len(changed) > _INSERTED:
        newer = {each.version: each for each in changed}
        replaced = [each for each in entries if each.version in newer]
        merged = {each.version: each for each in entries} | newer
        rising = sorted(merged.values(), key=_precedence)
    else:
        rising = list(reversed(entries))
        for each in changed:
            place = bisect_left(rising, _precedence(each), key=_precedence)
            is_known = place < len(rising) and rising[place].version == each.version
            replaced += rising[place : place + is_known]
            rising[place : place + is_known] = [each]
    return tuple(reversed(rising)), memory_of_entries(changed) - memory_of_entries(replaced)


_INSERTED = 32  # Changed entries that are inserted one by one; with more of them, all are sorted.


def _precedence(entry: ReleaseEntry) -> Precedence:
    return entry.parsed.precedence


def memory_of_entries(entries: Iterable[ReleaseEntry]) -> int:
    """Return about how many bytes of memory decoded entries take."""
    return sum(map(_memory_of, entries))


def _memory_of(entry: ReleaseEntry) -> int:
    texts = (*entry.modules, *entry.tools, entry.deprecation or "")
    return (
        _ENTRY_BYTES
        + _DEPENDENCY_BYTES * len(entry.dependencies)
        + _SIGNATURE_BYTES * len(entry.signatures)
        + _TEXT_BYTES * len(texts)
        + sum(map(len, texts))
    )


def memory_of(value: object) -> int:
    """Return about how many bytes of memory a text, a decoded record or a tuple of these takes."""
    taken = 0
    parts = [value]
    for each in parts:  # Which grows by what each part holds.
        if isinstance(each, str):  # One emoji makes each character of its text take four bytes.
            taken += getsizeof(each)
        elif isinstance(each, tuple):
            held = cast("tuple[object, ...]", each)
            taken += getsizeof(held)
            parts += held
        elif isinstance(each, _SHARED):
            continue
        elif isinstance(each, Dependency):
            taken += _DEPENDENCY_BYTES
        elif isinstance(each, BaseModel):
            fields = each.__dict__.values()
            taken += _RECORD_BYTES + _FIELD_BYTES * len(fields)
            parts += filter(None, fields)  # What is empty is in memory once.
    return taken


# Such values, too, are in memory only once, and are recognized much faster than records.
_SHARED = (int, Enum)
