"""One-time links that sign an account in."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

from shared.auth.secrets import Secret, random_text
from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.domain.errors.identity import link_expired
from shared.domain.one_time_links import (
    SIGN_IN_LINK_LIFETIME,
    SIGN_IN_LINK_PATH,
    code_hash,
    one_time_link,
)
from shared.domain.times import MS
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock, Randomness
from shared.ports.work import WorkStore
from shared.services.one_time_values import put_back_if_unavailable

LINK_CODE_LENGTH = 32  # 190 bits, like a token.
# How long a link works again after a store failed; the store does not say when it would expire.
REPEATED_WITHIN = timedelta(minutes=10)

_KIND = "sign-in"
_MADE_BY = " "  # Between the two ids that are stored.


class SignInLinks:
    """Creates and redeems sign-in links.

    A link that an administrator made is invalid while that account is locked, and after it stopped
    being one: whoever used it would have kept the links.
    """

    def __init__(
        self,
        work: WorkStore,
        directory: DirectoryStore,
        clock: Clock,
        randomness: Randomness,
        *,
        base_url: str,
    ) -> None:
        self._work = work
        self._directory = directory
        self._clock = clock
        self._randomness = randomness
        self._base_url = base_url

    async def create(self, account_id: str, maker_id: str = "") -> Secret:
        """Return a link that signs the account in, valid for an hour and one use; the operator
        makes it, or the administrator `maker_id`."""
        code = random_text(self._randomness, LINK_CODE_LENGTH)
        expires_ms = self._clock.now_ms() + SIGN_IN_LINK_LIFETIME // MS
        text = f"{account_id}{_MADE_BY}{maker_id}" if maker_id else account_id
        await self._work.put(_KIND, code_hash(code), text, expires_ms)
        return Secret(one_time_link(self._base_url, SIGN_IN_LINK_PATH, code))

    async def peek(self, code: str) -> str:
        """Return the id of the account, and leave the link valid; raise `link-expired`.

        A page that shows whom the link signs in leaves it valid, because mail programs open links
        to check them and run the scripts of the page.
        """
        now_ms = self._clock.now_ms()
        return await self._account_of(await self._work.peek(_KIND, code_hash(code), now_ms))

    @asynccontextmanager
    async def redeemed(self, code: str) -> AsyncGenerator[str]:
        """Invalidate the link while the block signs its account in, whose id this yields; raise
        `link-expired` if it is invalid already.

        If a store fails, the link is valid again, as the person is asked to repeat.
        """
        key = code_hash(code)
        now_ms = self._clock.now_ms()
        stored = await self._work.take(_KIND, key, now_ms)
        if stored is None:
            raise link_expired()
        until_ms = now_ms + REPEATED_WITHIN // MS
        async with put_back_if_unavailable(self._work, _KIND, key, stored, until_ms=until_ms):
            yield await self._account_of(stored)

    async def _account_of(self, stored: str | None) -> str:
        if stored is None:
            raise link_expired()
        account_id, _, maker_id = stored.partition(_MADE_BY)
        if maker_id:
            maker = await self._directory.get(Account, Place(maker_id))
            if maker is None or maker.is_locked or not maker.administers_at(self._clock.now_ms()):
                raise link_expired()
        return account_id
