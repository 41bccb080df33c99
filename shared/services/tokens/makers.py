"""Who made tokens, publishers and webhooks of organizations: whether these stop with their makers,
and a review of all of them for an operator."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from msgspec import Struct

from shared.domain.access_rights import AccessContext
from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.domain.makers import STOP_REASONS, MakerStop, known_maker, maker_stop
from shared.domain.names import OrgName
from shared.domain.principals import ACTOR_NAMES_WITHIN_SENTENCES
from shared.domain.scim import ScimToken
from shared.domain.staff import Staff
from shared.domain.tokens import Token
from shared.domain.trusted_publishing.publishers import Publisher, publisher_flaws
from shared.domain.webhooks import Webhook
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.services.record_batches import RECORDS_AT_ONCE, all_entities, entity_batches


class Maker(Struct, frozen=True):
    """Who made something, as people read it: the name of an account, or its id once it is deleted;
    empty if nobody is known. What they made stops while `stop` says why."""

    name: str = ""
    stop: MakerStop | None = None

    @property
    def why(self) -> str:
        """Why it stops, after "because"; empty if it does not."""
        return STOP_REASONS[self.stop] if self.stop else ""


class Makers(Struct, frozen=True):
    """Says who made what an organization has, and what of it stops; callers check rights."""

    directory: DirectoryStore
    clock: Clock

    async def stop(self, org: str, *makers: str) -> MakerStop | None:
        """Return why something of these makers stops; None if it does not. Without `org` it is of
        the registry."""
        found = await self.of(org, makers)
        return next((each.stop for each in found.values() if each.stop is not None), None)

    async def of(self, org: str, made_by: Iterable[str]) -> Mapping[str, Maker]:
        """Return the makers by what is stored of them; each account is read once."""
        stored = sorted(set(made_by))
        found = await asyncio.gather(*(self._maker(org, each) for each in stored))
        return dict(zip(stored, found, strict=True))

    async def of_token(self, token: Token) -> Maker:
        """Return the makers of a token of an organization as one: of a job's, those of its
        publishers."""
        found = await self.of(token.org, token.makers or (token.made_by,))
        stop = next((each.stop for each in found.values() if each.stop is not None), None)
        return Maker(", ".join(each.name for each in found.values()), stop)

    async def _maker(self, org: str, made_by: str) -> Maker:
        account_id = known_maker(made_by)
        if account_id is None:
            return Maker(ACTOR_NAMES_WITHIN_SENTENCES.get(made_by, made_by))
        access = await self._access(org, account_id)
        name = access.account.name if access.account else account_id
        return Maker(name, maker_stop(access, org))

    async def _access(self, org: str, account_id: str) -> AccessContext:
        now_ms = self.clock.now_ms()
        if org:
            return await self.directory.access_context(account_id, OrgName(org), now_ms)
        account = await self.directory.get(Account, Place(account_id))
        return AccessContext(account, None, None, now_ms)


class MadeEntity(Struct, frozen=True):
    """A token, publisher or webhook, and its maker: the name of an account, or the id of one that
    was deleted; empty if none is known."""

    described: str
    maker: str
    why: str = ""  # Why it stops.


class FlawedPublisher(Struct, frozen=True):
    """A publisher that lets more people publish than one that is added today, and why."""

    described: str
    flaws: Sequence[str]


class MakerReview(Struct, frozen=True):
    """Finds what was of staff when it was made, what stops with its maker, and what has none."""

    directory: DirectoryStore
    makers: Makers
    staff: Staff
    clock: Clock

    async def no_longer_staff(self) -> list[MadeEntity]:
        """Return what was made by people who are no longer staff, so that it reads no internal
        packages of other organizations. The cost grows with the number of tokens."""
        accounts = dict[str, Account | None]()
        found = list[MadeEntity]()
        async for each in self._stored():
            if isinstance(each, Webhook):
                continue
            makers = each.makers if isinstance(each, Token) else _one(each.maker)
            for maker in () if each.by_guest else makers:
                if maker not in accounts:
                    accounts[maker] = await self.directory.get(Account, Place(maker))
                account = accounts[maker]
                if account is None or not self.staff.includes(account, self.clock.now_ms()):
                    found.append(MadeEntity(described(each), account.name if account else maker))
        return found

    async def stopped(self) -> list[MadeEntity]:
        """Return what stops with its maker, until an owner confirms it."""
        found = list[MadeEntity]()
        async for each in self._stored():
            made_by = each.made_by if isinstance(each, Token) else each.by
            maker = (await self.makers.of(each.org, [made_by]))[made_by]
            if maker.stop is not None:
                found.append(MadeEntity(described(each), maker.name, maker.stop.value))
        for token in await all_entities(self.directory, ScimToken):
            maker = (await self.makers.of("", [token.made_by]))[token.made_by]
            if maker.stop is not None and self.clock.now_ms() < token.expires_ms:
                found.append(MadeEntity(described(token), maker.name, maker.stop.value))
        return found

    async def without_maker(self) -> list[MadeEntity]:
        """Return what has no known maker: what was stored when it was made decides."""
        return [
            MadeEntity(described(each), "")
            async for each in self._stored()
            if not (each.made_by if isinstance(each, Token) else each.by)
        ]

    async def flawed_publishers(self) -> list[FlawedPublisher]:
        """Return the publishers of earlier versions that would not be added today."""
        return [
            FlawedPublisher(described(each), flaws)
            async for each in self._publishers()
            if (flaws := publisher_flaws(each))
        ]

    async def _stored(self) -> AsyncIterator[Token | Publisher | Webhook]:
        """Yield the tokens and publishers of organizations that have not expired, and webhooks;
        tokens of jobs are left out, which expire within minutes."""
        now_ms = self.clock.now_ms()
        async for tokens in entity_batches(self.directory, Token, RECORDS_AT_ONCE):
            for each in tokens:
                is_valid = each.expires_ms is None or each.expires_ms > now_ms
                if each.org and is_valid and each.provenance is None and not each.canary:
                    yield each
        async for publisher in self._publishers():
            yield publisher
        async for webhooks in entity_batches(self.directory, Webhook, RECORDS_AT_ONCE):
            for webhook in webhooks:
                yield webhook

    async def _publishers(self) -> AsyncIterator[Publisher]:
        now_ms = self.clock.now_ms()
        async for publishers in entity_batches(self.directory, Publisher, RECORDS_AT_ONCE):
            for each in publishers:
                if each.ends_ms is None or each.ends_ms > now_ms:
                    yield each


def _one(maker: str | None) -> Iterable[str]:
    return () if maker is None else (maker,)


def described(made: Token | Publisher | Webhook | ScimToken) -> str:
    """Return the few words by which mail names something to an owner."""
    if isinstance(made, Token):
        name = f"{made.name} ({made.id})"
        return f"the token {name} of {made.org}" if made.org else f"the access token {name}"
    if isinstance(made, Publisher):
        return f"the trusted publisher {made.id} of {made.target}"
    if isinstance(made, ScimToken):
        return f"the token {made.id} of the directory {made.directory}"
    whose = made.org or "the registry"
    return f"the webhook {made.id} of {whose} to {urlsplit(made.url).netloc}"
