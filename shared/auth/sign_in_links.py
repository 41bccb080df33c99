"""Links that sign an account in, once."""

from datetime import timedelta

from shared.auth.base62 import random_text
from shared.auth.secret import Secret
from shared.domain.errors import LinkExpired
from shared.domain.stored_hash import stored_hash
from shared.ports import Clock, Randomness, WorkStore

LINK_LIFETIME = timedelta(hours=1)  # Long enough to read what a first start prints.
CODE_LENGTH = 32  # 190 bits, like a token.

_KIND = "sign-in"


class SignInLinks:
    """Makes links and takes them back; what waits to be used is kept as a hash."""

    def __init__(
        self, work: WorkStore, clock: Clock, randomness: Randomness, *, base_url: str
    ) -> None:
        """Keep what waits to be used in `work`."""
        self._work = work
        self._clock = clock
        self._randomness = randomness
        self._base_url = base_url

    async def create(self, account_id: str) -> Secret:
        """Return the address of a page that signs the account in, good for an hour and one use."""
        code = random_text(self._randomness, CODE_LENGTH)
        expires_ms = self._clock.now_ms() + LINK_LIFETIME // timedelta(milliseconds=1)
        await self._work.put(_KIND, stored_hash(code), account_id, expires_ms)
        return Secret(f"{self._base_url}/sign-in/link/{code}")

    async def look(self, code: str) -> str:
        """Return whose link it is and leave it: programs that preview links open them too.

        Raises `LinkExpired`.
        """
        return _account(await self._work.peek(_KIND, stored_hash(code), self._clock.now_ms()))

    async def redeem(self, code: str) -> str:
        """Return the id of the account that the link is for; raise `LinkExpired` from then on."""
        return _account(await self._work.take(_KIND, stored_hash(code), self._clock.now_ms()))


def _account(account_id: str | None) -> str:
    if account_id is None:
        raise LinkExpired
    return account_id
