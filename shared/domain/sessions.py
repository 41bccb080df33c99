"""Sessions: browsers that are signed in, and which of their secrets still count."""

from datetime import timedelta
from enum import Enum
from typing import ClassVar, Self

from shared.domain.entity import Entity, Place

SECRET_EVERY = timedelta(minutes=10)  # A copied cookie is worth little when it is found later.
GRACE = timedelta(minutes=1)  # Requests that were on their way when the secret changed.

_SECRET_EVERY_MS = SECRET_EVERY // timedelta(milliseconds=1)
_GRACE_MS = GRACE // timedelta(milliseconds=1)


class Presented(Enum):
    """What a secret is that came with a request."""

    CURRENT = "current"
    PREVIOUS = "previous"  # Replaced a moment ago, or by one that the browser never got.
    COPIED = "copied"  # Replaced for so long that only a copy of the cookie still has it.
    UNKNOWN = "unknown"


class Session(Entity):
    """A browser that is signed in.

    `secrets` are hashes, newest first: the one that counts, and the one before it. The newest is
    confirmed when the browser presents it for the first time.
    """

    kind: ClassVar[str] = "session"

    id: str
    account: str
    provider: str
    created_ms: int
    seen_ms: int
    expires_ms: int
    idle_ms: int
    signed_in_ms: int
    strong: bool = False
    agent: str = ""
    address: str = ""
    secrets: tuple[str, ...]
    confirmed_ms: int | None = None

    @property
    def place(self) -> Place:
        """Return its place among the sessions of the account."""
        return Place(self.account, self.id)

    @property
    def ends_ms(self) -> int:
        """Return when it ends: unused for too long, or too old."""
        return min(self.expires_ms, self.seen_ms + self.idle_ms)

    def presented(self, secret_hash: str, now_ms: int) -> Presented:
        """Say what the secret with this hash is."""
        if secret_hash == self.secrets[0]:
            return Presented.CURRENT
        if secret_hash not in self.secrets:
            return Presented.UNKNOWN
        if self.confirmed_ms is None or now_ms - self.confirmed_ms < _GRACE_MS:
            return Presented.PREVIOUS
        return Presented.COPIED

    def needs_secret(self, presented: Presented, now_ms: int) -> bool:
        """Say whether it is time for a new secret: one has aged, or the newest was lost."""
        age_ms = now_ms - self.seen_ms
        if presented is Presented.PREVIOUS:
            return self.confirmed_ms is None and age_ms >= _GRACE_MS
        return age_ms >= _SECRET_EVERY_MS

    def needs_confirming(self, presented: Presented) -> bool:
        """Say whether the browser shows for the first time that it has the newest secret."""
        return presented is Presented.CURRENT and self.confirmed_ms is None

    def with_secret(self, new_hash: str, kept_hash: str, now_ms: int) -> Self:
        """Return the session with a new secret beside the one that the browser has."""
        return self.model_copy(
            update={"secrets": (new_hash, kept_hash), "confirmed_ms": None, "seen_ms": now_ms}
        )

    def confirmed(self, now_ms: int) -> Self:
        """Return the session whose newest secret has arrived."""
        return self.model_copy(update={"confirmed_ms": now_ms})
