"""Sessions of browsers: their secret changes, and a copy of an old one is noticed."""

from datetime import timedelta
from enum import Enum
from typing import ClassVar, Self

from shared.domain.entities import Entity, Place
from shared.domain.times import is_younger

# The secret of a session changes this often, so that a stolen cookie is soon useless.
SECRET_ROTATION = timedelta(minutes=10)
SECRET_GRACE = timedelta(minutes=1)  # For concurrent requests when the secret changes.


class SecretState(Enum):
    """The state of the secret of a request."""

    CURRENT = "current"
    PREVIOUS = "previous"  # Just replaced, or replaced by one that the browser never got.
    COPIED = "copied"  # Replaced long ago: only a copy of the cookie has it.
    UNKNOWN = "unknown"


class Session(Entity):
    """A signed-in browser.

    `secrets` are hashes, latest first: the current one and the one before. The current one is
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
        return Place(self.account, self.id)

    @property
    def ends_ms(self) -> int:
        """When the session expires: after inactivity, or at its maximum age."""
        return min(self.expires_ms, self.seen_ms + self.idle_ms)

    def secret_state(self, secret_hash: str, now_ms: int) -> SecretState:
        if secret_hash == self.secrets[0]:
            return SecretState.CURRENT
        if secret_hash not in self.secrets:
            return SecretState.UNKNOWN
        if self.confirmed_ms is None or is_younger(self.confirmed_ms, SECRET_GRACE, now_ms):
            return SecretState.PREVIOUS
        return SecretState.COPIED

    def needs_rotation(self, presented: SecretState, now_ms: int) -> bool:
        """Check whether to replace the secret: it is old, or the browser never got the newest."""
        if presented is SecretState.PREVIOUS:
            is_lost = not is_younger(self.seen_ms, SECRET_GRACE, now_ms)
            return self.confirmed_ms is None and is_lost
        return not is_younger(self.seen_ms, SECRET_ROTATION, now_ms)

    def needs_confirmation(self, presented: SecretState) -> bool:
        """Check whether the browser presents the newest secret for the first time."""
        return presented is SecretState.CURRENT and self.confirmed_ms is None

    def with_new_secret(self, new_hash: str, kept_hash: str, now_ms: int) -> Self:
        """Return the session with a new secret; the one that the browser has stays valid."""
        return self.model_copy(
            update={"secrets": (new_hash, kept_hash), "confirmed_ms": None, "seen_ms": now_ms}
        )

    def confirmed(self, now_ms: int) -> Self:
        """Return the session after its newest secret was presented."""
        return self.model_copy(update={"confirmed_ms": now_ms})
