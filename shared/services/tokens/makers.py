"""Who made tokens and publishers of organizations, for an operator who changed who is staff."""

from collections.abc import AsyncIterator, Iterable

from msgspec import Struct

from shared.domain.accounts import Account, Staff, Token
from shared.domain.records import Place
from shared.domain.trusted_publishing.publishers import Publisher
from shared.ports import Clock, DirectoryStore
from shared.services.records import RECORDS_AT_ONCE, entity_batches


class MadeEntity(Struct, frozen=True):
    """A token or publisher of an organization, and its maker: the name of an account, or the id of
    one that was deleted; empty if none is known."""

    described: str
    maker: str


class MakerReview(Struct, frozen=True):
    """Finds the tokens and publishers of organizations that were of staff when they were made."""

    directory: DirectoryStore
    staff: Staff
    clock: Clock

    async def no_longer_staff(self) -> list[MadeEntity]:
        """Return what a member of staff made who is none now, so that it reads no internal packages
        of other organizations. The cost grows with the number of tokens."""
        accounts, found = dict[str, Account | None](), list[MadeEntity]()
        async for each in self._stored():
            makers = each.makers if isinstance(each, Token) else _one(each.maker)
            for maker in () if each.by_guest else makers:
                if maker not in accounts:
                    accounts[maker] = await self.directory.get(Account, Place(maker))
                account = accounts[maker]
                if account is None or not self.staff.includes(account, self.clock.now_ms()):
                    found.append(MadeEntity(_described(each), account.name if account else maker))
        return found

    async def without_maker(self) -> list[MadeEntity]:
        """Return what has no known maker: what was stored when it was made decides."""
        return [
            MadeEntity(_described(each), "")
            async for each in self._stored()
            if not (each.made_by if isinstance(each, Token) else each.by)
        ]

    async def _stored(self) -> AsyncIterator[Token | Publisher]:
        """Yield the tokens and publishers of organizations that have not expired; tokens of jobs
        are left out, which expire within minutes."""
        now_ms = self.clock.now_ms()
        async for tokens in entity_batches(self.directory, Token, RECORDS_AT_ONCE):
            for each in tokens:
                is_valid = each.expires_ms is None or each.expires_ms > now_ms
                if each.org and is_valid and each.provenance is None and not each.canary:
                    yield each
        async for publishers in entity_batches(self.directory, Publisher, RECORDS_AT_ONCE):
            for publisher in publishers:
                if publisher.ends_ms is None or publisher.ends_ms > now_ms:
                    yield publisher


def _one(maker: str | None) -> Iterable[str]:
    return () if maker is None else (maker,)


def _described(made: Token | Publisher) -> str:
    if isinstance(made, Token):
        return f"the token {made.name} ({made.id}) of {made.org}"
    return f"the trusted publisher {made.id} of {made.target}"
