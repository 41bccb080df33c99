"""Sign-in links, which sign an account in once; only the hash of a code is stored."""

from datetime import timedelta

from shared.auth.secrets import Secret, random_text
from shared.domain.errors.identity import link_expired
from shared.domain.times import MS
from shared.domain.tokens import hash_secret
from shared.ports import Clock, Randomness, WorkStore

LINK_LIFETIME = timedelta(hours=1)  # Time to read the output of a first start.
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
        expires_ms = self._clock.now_ms() + LINK_LIFETIME // MS
        await self._work.put(_KIND, hash_secret(code), account_id, expires_ms)
        return Secret(f"{self._base_url}/sign-in/link/{code}")

    async def peek(self, code: str) -> str:
        """Return the id of the account, without using the link up; raise `link-expired`.

        Opening the page does not sign in, because programs that preview links open it too.
        """
        return _require_account(
            await self._work.peek(_KIND, hash_secret(code), self._clock.now_ms())
        )

    async def redeem(self, code: str) -> str:
        """Use the link up and return the id of its account; raise `link-expired` from then on."""
        return _require_account(
            await self._work.take(_KIND, hash_secret(code), self._clock.now_ms())
        )


def _require_account(account_id: str | None) -> str:
    if account_id is None:
        raise link_expired()
    return account_id
