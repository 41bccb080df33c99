"""One-time links that sign an account in."""

from shared.auth.secrets import Secret, random_text
from shared.domain.errors.identity import (
    link_expired,
)
from shared.domain.one_time_links import (
    SIGN_IN_LINK_LIFETIME,
    SIGN_IN_LINK_PATH,
    code_hash,
    one_time_link,
)
from shared.domain.times import MS
from shared.ports.system import Clock, Randomness
from shared.ports.work import WorkStore

LINK_CODE_LENGTH = 32  # 190 bits, like a token.

_KIND = "sign-in"


class SignInLinks:
    """Creates and redeems sign-in links."""

    def __init__(
        self, work: WorkStore, clock: Clock, randomness: Randomness, *, base_url: str
    ) -> None:
        self._work = work
        self._clock = clock
        self._randomness = randomness
        self._base_url = base_url

    async def create(self, account_id: str) -> Secret:
        """Return a link that signs the account in, valid for an hour and one use."""
        code = random_text(self._randomness, LINK_CODE_LENGTH)
        expires_ms = self._clock.now_ms() + SIGN_IN_LINK_LIFETIME // MS
        await self._work.put(_KIND, code_hash(code), account_id, expires_ms)
        return Secret(one_time_link(self._base_url, SIGN_IN_LINK_PATH, code))

    async def peek(self, code: str) -> str:
        """Return the id of the account, and leave the link valid; raise `link-expired`.

        A page that shows whom the link signs in leaves it valid, because mail programs open links
        to check them and run the scripts of the page.
        """
        return _require_account(await self._work.peek(_KIND, code_hash(code), self._clock.now_ms()))

    async def redeem(self, code: str) -> str:
        """Invalidate the link and return the id of its account; raise `link-expired` if it is
        invalid already."""
        return _require_account(await self._work.take(_KIND, code_hash(code), self._clock.now_ms()))


def _require_account(account_id: str | None) -> str:
    if account_id is None:
        raise link_expired()
    return account_id
