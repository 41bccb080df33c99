"""Stored tokens, and their lineage: what was created with a token, and what ends with a stolen
one.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.auth.secrets import Secret, random_text
from shared.auth.tokens import AccessToken
from shared.domain.errors.identity import TokenNotFound, TokenUnknown
from shared.domain.identity import UPKEEP, Principal
from shared.domain.members import Invitation, Membership, invitation_place, member_place
from shared.domain.records import Entity, Place
from shared.domain.tokens import (
    LineageRecord,
    Made,
    StolenToken,
    Token,
    TokenUse,
    describe_grants,
    lineage_counts,
)
from shared.ports import AlreadyThere, Clock, DirectoryStore, Randomness, Stale
from shared.retries import retry_when_stale
from shared.services.records import EntityChange, RecordWriter, all_entities

TOKEN_ID_LENGTH = 10  # Base62: people type it to revoke a token.


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token with its text, which is nowhere else and never shown again."""

    token: Token
    text: Secret


@dataclass(frozen=True, slots=True)
class UsedToken:
    """A token, when it was last used, if ever, and what was made with it."""

    token: Token
    use: TokenUse | None = None
    made: tuple[LineageRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenLineage:
    """Notes what is made with tokens, and ends it with those that were stolen.

    A revocation as stolen writes its record before it looks for what was made, and whoever makes
    something looks for that record afterwards: one of the two sees the other, so nothing is left.
    """

    directory: DirectoryStore
    record_writer: RecordWriter
    clock: Clock

    async def record(
        self, by: Principal, what: Made, subject: str, name: str, org: str = ""
    ) -> None:
        """Note what `by` is about to make; nothing is noted of people, who have no token."""
        if by.token:
            await self.record_for(by.token, by.id, what, subject, name=name, org=org)

    async def record_for(
        self, token: str, owner: str, what: Made, subject: str, *, name: str, org: str
    ) -> None:
        """Note what is about to be made with a token of `owner`."""
        made = LineageRecord(
            owner=owner,
            token=token,
            what=what,
            org=org,
            id=subject,
            name=name,
            made_ms=self.clock.now_ms(),
        )
        await self.directory.put(made)

    async def of(self, owner: str) -> dict[str, list[LineageRecord]]:
        """Return what was made with the tokens of `owner`, by the id of the token."""
        found: dict[str, list[LineageRecord]] = {}
        for each in await self.directory.of(LineageRecord, owner):
            found.setdefault(each.token, []).append(each)
        return found

    async def require_not_stolen(self, by: Principal) -> None:
        """Raise `TokenUnknown` after ending what `by` has just made, if their token was stolen.

        One read of the store for tokens, and none for people.
        """
        if by.token:
            await self.require_token_not_stolen(by.token, by.id)

    async def require_token_not_stolen(self, token: str, owner: str) -> None:
        """Raise as `check` does, for what was made with a token of `owner`."""
        stolen = await self.directory.get(StolenToken, Place(owner, token))
        if stolen is not None:
            await self._finish(stolen, UPKEEP)
            raise TokenUnknown

    async def revoke_stolen(
        self, owner: str, token_id: str, *, by: Principal
    ) -> Sequence[LineageRecord]:
        """End a token and everything that was made with it; return what that was.

        One event says so. A repeat finishes what a crash broke off, and a token that was revoked
        before can still be called stolen. Raises `TokenNotFound` for an id that nothing had. Who
        may is for the services that call it.
        """
        tokens = await self.directory.of(Token, owner)
        # A canary makes nothing, and only the operator knows of it.
        texts = [token for token in tokens if token.id == token_id and not token.canary]
        made = (await self.of(owner)).get(token_id, [])
        stolen = await self.directory.get(StolenToken, Place(owner, token_id))
        if stolen is None:
            if not texts and not made:
                raise TokenNotFound(token_id)
            stolen = await self._declare(owner, token_id, texts, made, by=by)
        await self._finish(stolen, by)
        return made

    async def finish_revocations(self) -> int:
        """Finish what a crash broke off; return how many revocations were looked at."""
        since_ms = self.clock.now_ms() - UNFINISHED_FOR // timedelta(milliseconds=1)
        recent = [
            each
            for each in await all_entities(self.directory, StolenToken)
            if each.at_ms >= since_ms
        ]
        for each in recent:
            await self._finish(each, UPKEEP)
        return len(recent)

    async def delete(self, owner: str) -> None:
        """Delete what is noted of the tokens of `owner`, after finishing what a crash broke off."""
        for stolen in await self.directory.of(StolenToken, owner):
            await self._finish(stolen, UPKEEP)
            await self._remove(stolen, None, UPKEEP)
        for made in await self.directory.of(LineageRecord, owner):
            await self._remove(made, None, UPKEEP)

    async def _declare(
        self,
        owner: str,
        token_id: str,
        texts: Sequence[Token],
        made: Sequence[LineageRecord],
        *,
        by: Principal,
    ) -> StolenToken:
        tokens = [each.id for each in made if each.what is Made.TOKEN]
        listed = tuple(tokens[:MAX_LISTED])
        stolen = StolenToken(owner=owner, id=token_id, listed=listed, at_ms=self.clock.now_ms())
        told = {**lineage_counts(made), "made": ", ".join(map(str, made[:MAX_NAMED]))}
        change = EntityChange(
            "token.stolen", token_id, account=owner, details={"name": token_id, **told}
        )
        for token in texts:
            named = {"name": token.name, "grants": describe_grants(token.grants), **told}
            account = "" if token.org else owner
            change = replace(change, org=token.org, account=account, details=named)
        try:
            return await self.record_writer.add(stolen, change=change, by=by)
        except AlreadyThere:
            return stolen  # Somebody else says so at the same moment, and both finish it.

    async def _finish(self, stolen: StolenToken, by: Principal) -> None:
        await self._end_text(stolen)
        end: Mapping[Made, Callable[[LineageRecord, StolenToken, Principal], Awaitable[None]]] = {
            Made.TOKEN: self._end_token,
            Made.INVITATION: self._end_invitation,
            Made.MEMBERSHIP: self._end_membership,
        }
        for each in (await self.of(stolen.owner)).get(stolen.id, []):
            await end[each.what](each, stolen, by)

    async def _end_text(self, stolen: StolenToken) -> None:
        for token in await self.directory.of(Token, stolen.owner):
            if token.id == stolen.id:
                await self._remove(token, None, UPKEEP)
        use = await self.directory.get(TokenUse, Place(stolen.owner, stolen.id))
        if use is not None:
            await self._remove(use, None, UPKEEP)

    async def _end_token(self, made: LineageRecord, stolen: StolenToken, by: Principal) -> None:
        details = {"name": made.name, "with": stolen.id}
        own = EntityChange("token.revoked", made.id, account=stolen.owner, details=details)
        change = None if made.id in stolen.listed else own
        for token in await self.directory.of(Token, stolen.owner):
            if token.id == made.id and token.made_with == stolen.id:
                await self._remove(token, change, by)

    async def _end_invitation(
        self, made: LineageRecord, stolen: StolenToken, by: Principal
    ) -> None:
        found = await self.directory.get(Invitation, invitation_place(made.org, made.id))
        if found is not None and found.made_with == stolen.id:
            details = {"invitation": found.id, "role": found.role.value, "label": found.label}
            change = EntityChange("invitation.withdrawn", made.org, org=made.org, details=details)
            await self._remove(found, change, by)

    async def _end_membership(
        self, made: LineageRecord, stolen: StolenToken, by: Principal
    ) -> None:
        found = await self.directory.get(Membership, member_place(made.org, made.id))
        if found is not None and found.made_with == stolen.id:
            details = {"account": made.id, "before": found.role.value, "after": ""}
            change = EntityChange(
                "member.removed", made.org, org=made.org, account=made.id, details=details
            )
            await self._remove(found, change, by)

    async def _remove(self, entity: Entity, change: EntityChange | None, by: Principal) -> None:
        """Remove the entity as it is now, with the event of a change if there is one."""

        async def attempt() -> None:
            there = await self.directory.get(type(entity), entity.place)
            if there is None:
                return
            if change is None:
                await self.directory.remove(there)
            else:
                await self.record_writer.remove(there, change=change, by=by)

        await retry_when_stale(attempt)


@dataclass(frozen=True, slots=True)
class TokenRecords:
    """Writes tokens with the event of each change; who may is for the services that call it."""

    directory: DirectoryStore
    record_writer: RecordWriter
    lineage: TokenLineage
    clock: Clock
    randomness: Randomness
    environment: str

    async def issue(self, draft: Token, *, by: Principal) -> IssuedToken:
        """Make the token that `draft` describes; its id, hash and time of making are set here."""
        minted = AccessToken.mint(self.environment, draft.owner, self.randomness)
        made = {
            "id": random_text(self.randomness, TOKEN_ID_LENGTH),
            "hash": minted.hash,
            "created_ms": self.clock.now_ms(),
            "made_by": by.id,
            "made_with": by.token,
        }
        token = draft.model_copy(update=made)
        await self.lineage.record(by, Made.TOKEN, token.id, token.name)
        added = await self.record_writer.add(token, change=token_change("issued", token), by=by)
        await self.lineage.require_not_stolen(by)
        return IssuedToken(added, minted.text)

    async def of(self, owner: str) -> list[UsedToken]:
        """Return the owner's tokens with their last use, oldest first, expired ones included."""
        uses = {use.token: use for use in await self.directory.of(TokenUse, owner)}
        made = await self.lineage.of(owner)
        # Of a token whose new text was made, and whose old one is not ended yet, the new one.
        tokens = {token.id: token for token in _oldest_first(await self.directory.of(Token, owner))}
        return [
            UsedToken(each, uses.get(each.id), tuple(made.get(each.id, ())))
            for each in _oldest_first(tokens.values())
        ]

    async def find(self, owner: str, token_id: str) -> UsedToken:
        """Return the owner's token, or raise `TokenNotFound`, alike for those of others."""
        token = (await self._texts(owner, token_id))[-1]
        made = (await self.lineage.of(owner)).get(token_id, ())
        use = await self.directory.get(TokenUse, Place(owner, token_id))
        return UsedToken(token, use, tuple(made))

    async def rename(self, token: Token, name: str, *, by: Principal) -> Token:
        """Call the token something else."""

        async def attempt() -> Token:
            there = (await self._texts(token.owner, token.id))[-1]
            details = {"before": there.name, "after": name}
            change = replace(token_change("renamed", there), details=details)
            renamed = there.model_copy(update={"name": name})
            return await self.record_writer.replace(renamed, change=change, by=by)

        return await retry_when_stale(attempt)

    async def rotate(self, token: Token, expires_ms: int | None, *, by: Principal) -> IssuedToken:
        """Give the token a new text and a new end; the old text ends within five seconds.

        Raises `TokenNotFound` when somebody ends the token meanwhile.
        """
        old = await self._texts(token.owner, token.id)
        minted = AccessToken.mint(self.environment, token.owner, self.randomness)
        fresh = {
            "hash": minted.hash,
            "created_ms": self.clock.now_ms(),
            "expires_ms": expires_ms,
            "provenance": None,  # Whoever asks for a new text, it is not the job that had the old.
            "made_by": by.id,
            "made_with": by.token,
            "revision": 1,
            "outbox": (),
        }
        token = old[-1].model_copy(update=fresh)
        await self.lineage.record(by, Made.TOKEN, token.id, token.name)
        # New before old: whoever fails in between keeps what they have, and may try again.
        added = await self.record_writer.add(token, change=token_change("rotated", token), by=by)
        forgotten = [await self._forget(each) for each in old]
        if not forgotten[-1]:
            # Somebody revoked it, or gave it another text, meanwhile: that holds.
            await self._end(added, token_change("revoked", added), by)
            raise TokenNotFound(token.id)
        await self.lineage.require_not_stolen(by)
        return IssuedToken(added, minted.text)

    async def revoke(self, token: Token, change: EntityChange, *, by: Principal) -> None:
        """End the token, whatever text it has, and forget its use; a repeat changes nothing."""
        with suppress(TokenNotFound):
            for each in await self._texts(token.owner, token.id):
                await self._end(each, change, by)
        use = await self.directory.get(TokenUse, Place(token.owner, token.id))
        if use is not None:
            with suppress(Stale):
                await self.directory.remove(use)

    async def _texts(self, owner: str, token_id: str) -> list[Token]:
        """Return the token once for each text that is good for it, the newest last."""
        # Not by its id alone: that may lag behind, and a new text must not be left out.
        found = await self.directory.of(Token, owner)
        texts = _oldest_first(token for token in found if token.id == token_id)
        if not texts:
            raise TokenNotFound(token_id)
        return texts

    async def _end(self, token: Token, change: EntityChange, by: Principal) -> None:
        async def attempt() -> None:
            there = await self.directory.get(Token, token.place)
            if there is not None:
                await self.record_writer.remove(there, change=change, by=by)

        await retry_when_stale(attempt)

    async def _forget(self, token: Token) -> bool:
        """Remove an old text, and say whether it was there; the event is with the new text."""

        async def attempt() -> bool:
            there = await self.directory.get(Token, token.place)
            if there is not None:
                await self.directory.remove(there)
            return there is not None

        return await retry_when_stale(attempt)


def token_change(what: str, token: Token) -> EntityChange:
    """Return what an event says of a token: never its text, and never its hash."""
    return EntityChange(
        f"token.{what}",
        token.id,
        org=token.org,
        account="" if token.org else token.owner,
        details={
            "name": token.name,
            "grants": describe_grants(token.grants),
            **(token.provenance.event_details if token.provenance else {}),
        },
    )


def _oldest_first(tokens: Iterable[Token]) -> list[Token]:
    return sorted(tokens, key=lambda token: (token.created_ms, token.id))


MAX_LISTED = 500  # Tokens that one event stands for; the end of any other has its own.
MAX_NAMED = 20  # Things that an event names; of the others it tells how many there are.
UNFINISHED_FOR = timedelta(days=1)  # How long upkeep finishes a revocation that was broken off.
