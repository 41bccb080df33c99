"""Whether anybody has signed in to a registry on one machine, which its home page asks."""

from dataclasses import dataclass, field

from shared.domain.errors.base import Unavailable
from shared.domain.records import Place
from shared.domain.sign_in import Session
from shared.ports import Clock, DirectoryStore

CHECK_MS = 5_000  # Between two reads while nobody has signed in.


@dataclass
class FirstSignIn:
    """Reads the sessions until there is one."""

    directory: DirectoryStore
    clock: Clock
    _has_happened: bool = field(default=False, init=False)
    _next_check_ms: int | None = field(default=None, init=False)

    async def has_happened(self) -> bool:
        """Return whether there is a session, or has been one in the life of this process.

        The answer is true while the store is unavailable, so that nobody is sent to a log in vain.
        """
        now_ms = self.clock.monotonic_ms()
        is_due = self._next_check_ms is None or now_ms >= self._next_check_ms
        if not self._has_happened and is_due:
            try:
                found = await self.directory.list_all(Session, Place(""), 1)
            except Unavailable:
                return True
            self._has_happened = bool(found)
            self._next_check_ms = now_ms + CHECK_MS
        return self._has_happened
