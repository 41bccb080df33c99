"""The pointer: one small blob that says which base and which delta are to be searched."""

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError


class Unreadable(Exception):
    """A part of the index is not what it has to be; the text says why, for an operator's log."""


class NothingYet(Unreadable):
    """No base was built since the registry began."""


@dataclass(frozen=True, slots=True)
class Part:
    """A blob that never changes: its name, its size and the SHA-256 of its bytes."""

    name: str
    size_bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """What is to be searched: a base, and a delta where anything changed since.

    Everything that changed before `fed_ms` is in one of them; `after` is the place in the change
    feed up to which that is known.
    """

    schema: int  # Of the base: only instances that know it can search it.
    base: Part
    made_ms: int
    packages: int
    delta: Part | None
    fed_ms: int
    after: str

    @property
    def names(self) -> frozenset[str]:
        """Return the names of the blobs that it points at."""
        return frozenset(part.name for part in (self.base, self.delta) if part)


_POINTER = TypeAdapter(Pointer)


def written(pointer: Pointer) -> bytes:
    """Return the pointer as it is stored."""
    return _POINTER.dump_json(pointer)


def read(content: bytes) -> Pointer:
    """Return the pointer of a blob; raise `Unreadable`."""
    try:
        return _POINTER.validate_json(content)
    except ValidationError as wrong:
        message = f"the pointer has {wrong.error_count()} mistakes"
        raise Unreadable(message) from wrong
