"""The edition of one machine, whose stores count writes."""

from collections.abc import Callable, Collection, Hashable, Sequence

from msgspec import Struct

from shared.runtime.editions import EVERYTHING, Changes


class ChangesSince(Struct, frozen=True):
    """The position after some changes, and the keys of what changed; None if that is not known."""

    position: int
    keys: Sequence[str] | None


class EmbeddedEdition:
    """The edition of one machine, whose stores tell each process of the writes of all.

    A write of whatever kind changes the data version, which costs nothing to read; then the stores
    are asked which packages and records changed.
    """

    follows_records = True

    def __init__(
        self,
        data_version: Callable[[], Hashable],
        changes_since: Callable[[int | None], ChangesSince],
    ) -> None:
        self._data_version = data_version
        self._changes_since = changes_since
        self._seen: Hashable = None
        self._position: int | None = None  # None before the first question.
        self._changes = Changes()

    @property
    def number(self) -> int:
        return self._changes.number

    def is_current(self) -> bool:
        try:
            version = self._data_version()
            if version != self._seen:
                self._learn()
                self._seen = version
        except Exception:  # Whoever reads the stores next will say what is wrong with them.
            return False
        return True

    def start_poll(self) -> None:
        self.is_current()

    async def poll(self) -> bool:
        return self.is_current()

    def is_unchanged_since(self, number: int, keys: Collection[str]) -> bool:
        if EVERYTHING in keys:
            return number == self._changes.number  # Every write leads to another number.
        return self._changes.is_unchanged_since(number, keys)

    def note_write(self, package: str) -> None:
        """Do nothing: the data version changed with the write."""

    def _learn(self) -> None:
        changes = self._changes_since(self._position)
        if changes.keys is None:
            self._changes.forget()
        else:
            self._changes.note(changes.keys)
        self._position = changes.position
