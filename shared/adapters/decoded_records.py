"""Records that are kept decoded: how much memory they take, and how they take less."""

from collections.abc import Iterable
from typing import TypeVar

from shared.domain.packages import Dependency, ReleaseEntry
from shared.domain.records import Record

R = TypeVar("R", bound=Record)

SURVEYS_CACHED_BYTES = 16 * 1024 * 1024  # All 6,785 versions of Ballerina Central take 11 MB.

# Measured with tracemalloc over the index of Ballerina Central.
_ENTRY_BYTES = 800
_DEPENDENCY_BYTES = 300
_TEXT_BYTES = 60  # Of a text, besides its characters.


def share_field_names(record: R) -> R:
    """Share the sets of field names between decoded records and their dependencies.

    Pydantic creates a set for each model, of the fields that were in the JSON. An entry with eight
    dependencies takes 5,530 bytes with these sets, and 2,930 with shared ones.
    """
    _share(record)
    dependencies: tuple[Dependency, ...] = getattr(record, "dependencies", ())
    for each in dependencies:
        _share(each)
    return record


def _share(record: Record) -> None:
    own = record.__pydantic_fields_set__
    names = _field_names.setdefault((type(record), len(own)), own)  # Older code stored fewer.
    if names is not own and names == own:
        # Pydantic documents the attribute, but not that it may be set. Its own way to set it,
        # `model_construct`, takes twice as long as decoding; sets that are emptied by
        # `model_fields_set.clear()` save a quarter as much.
        object.__setattr__(record, "__pydantic_fields_set__", names)


_field_names: dict[tuple[type[Record], int], set[str]] = {}


def memory_of_entries(entries: Iterable[ReleaseEntry]) -> int:
    """Return about how many bytes of memory decoded entries take."""
    return sum(map(_memory_of, entries))


def _memory_of(entry: ReleaseEntry) -> int:
    texts = (*entry.modules, *entry.tools, entry.deprecation or "")
    return (
        _ENTRY_BYTES
        + _DEPENDENCY_BYTES * len(entry.dependencies)
        + sum(_TEXT_BYTES + len(each) for each in texts)
    )
