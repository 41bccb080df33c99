"""Stored tokens, and their lineage: what was created with a token, and ends if it is stolen."""

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
from shared.runtime.retries import retry_when_stale
from shared.services.records import EntityChange, RecordWriter, all_entities

TOKEN_ID_LENGTH = 10  # Base62: people type it to revoke a token.


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token with its text, which is not stored and never shown again."""

    token: Token
    text: Secret


@dataclass(frozen=True, slots=True)
class UsedToken:
    """A token with its last use and its lineage."""

    token: Token
    use: TokenUse | None = None
    made: tuple[LineageRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenLineage:
    """Records what is created with tokens, and ends it when a token is stolen.

    A revocation as stolen is written before the lineage is read, and a request that creates
    something checks for such a revocation afterwards. So one of the two sees the other.
    """

    directory: DirectoryStore
    record_writer: RecordWriter
    clock: Clock

    async def record(
        self, by: Principal, what: Made, subject: str, name: str, org: str = ""
    ) -> None:
        """Record what `by` is about to create, if the request has a token."""
        if by.token:
            await self.record_for(by.token, by.id, what, subject, name=name, org=org)

    async def record_for(
        self, token: str, owner: str, what: Made, subject: str, *, name: str, org: str
    ) -> None:
        """Record what is about to be created with a token of `owner`."""
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
        """Return the records created with the tokens of `owner`, by token id."""
        found: dict[str, list[LineageRecord]] = {}
        for each in await self.directory.list_by_owner(LineageRecord, owner):
            found.setdefault(each.token, []).append(each)
        return found

    async def require_not_stolen(self, by: Principal) -> None:
        """Raise `TokenUnknown` if the token of `by` was stolen, after ending what it just created.

        One read of the store for tokens, and none for sessions.
        """
        if by.token:
            await self.require_token_not_stolen(by.token, by.id)

    async def require_token_not_stolen(self, token: str, owner: str) -> None:
        """Raise as `require_not_stolen` does, for a token of `owner`."""
        stolen = await self.directory.get(StolenToken, Place(owner, token))
        if stolen is not None:
            await self._end_lineage(stolen, UPKEEP)
            raise TokenUnknown

    async def revoke_stolen(
        self, owner: str, token_id: str, *, by: Principal
    ) -> Sequence[LineageRecord]:
        """Revoke a token and end everything created with it; return the lineage.

        Writes one event. A repeat continues after a crash, and a revoked token can be declared
        stolen later. Raises `TokenNotFound` for an unknown id. Callers check rights.
        """
        tokens = await self.directory.list_by_owner(Token, owner)
        # A canary creates nothing, and only the operator knows it.
        texts = [token for token in tokens if token.id == token_id and not token.canary]
        made = (await self.of(owner)).get(token_id, [])
        stolen = await self.directory.get(StolenToken, Place(owner, token_id))
        if stolen is None:
            if not texts and not made:
                raise TokenNotFound(token_id)
            stolen = await self._declare(owner, token_id, texts, made, by=by)
        await self._end_lineage(stolen, by)
        return made

    async def finish_revocations(self) -> int:
        """Finish revocations that crashed; return the number of revocations that were read."""
        since_ms = self.clock.now_ms() - UNFINISHED_FOR // timedelta(milliseconds=1)
        recent = [
            each
            for each in await all_entities(self.directory, StolenToken)
            if each.at_ms >= since_ms
        ]
        for each in recent:
            await self._end_lineage(each, UPKEEP)
        return len(recent)

    async def delete(self, owner: str) -> None:
        """Delete the lineage of the tokens of `owner`, after finishing its revocations."""
        for stolen in await self.directory.list_by_owner(StolenToken, owner):
            await self._end_lineage(stolen, UPKEEP)
            await self._remove(stolen, None, UPKEEP)
        for made in await self.directory.list_by_owner(LineageRecord, owner):
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
        counts = {**lineage_counts(made), "made": ", ".join(map(str, made[:MAX_NAMED]))}
        change = EntityChange(
            "token.stolen", token_id, account=owner, details={"name": token_id, **counts}
        )
        for token in texts:
            named = {"name": token.name, "grants": describe_grants(token.grants), **counts}
            account = "" if token.org else owner
            change = replace(change, org=token.org, account=account, details=named)
        try:
            return await self.record_writer.add(stolen, change=change, by=by)
        except AlreadyThere:
            return stolen  # Declared concurrently; both calls finish it.

    async def _end_lineage(self, stolen: StolenToken, by: Principal) -> None:
        await self._end_stolen(stolen)
        end: Mapping[Made, Callable[[LineageRecord, StolenToken, Principal], Awaitable[None]]] = {
            Made.TOKEN: self._end_token,
            Made.INVITATION: self._end_invitation,
            Made.MEMBERSHIP: self._end_membership,
        }
        for each in (await self.of(stolen.owner)).get(stolen.id, []):
            await end[each.what](each, stolen, by)

    async def _end_stolen(self, stolen: StolenToken) -> None:
        for token in await self.directory.list_by_owner(Token, stolen.owner):
            if token.id == stolen.id:
                await self._remove(token, None, UPKEEP)
        use = await self.directory.get(TokenUse, Place(stolen.owner, stolen.id))
        if use is not None:
            await self._remove(use, None, UPKEEP)

    async def _end_token(self, made: LineageRecord, stolen: StolenToken, by: Principal) -> None:
        details = {"name": made.name, "with": stolen.id}
        own = EntityChange("token.revoked", made.id, account=stolen.owner, details=details)
        change = None if made.id in stolen.listed else own
        for token in await self.directory.list_by_owner(Token, stolen.owner):
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
        """Remove the current entity, with the event of the change if current is one."""

        async def attempt() -> None:
            current = await self.directory.get(type(entity), entity.place)
            if current is None:
                return
            if change is None:
                await self.directory.remove(current)
            else:
                await self.record_writer.remove(current, change=change, by=by)

        await retry_when_stale(attempt)


@dataclass(frozen=True, slots=True)
class TokenRecords:
    """Writes tokens with an event for each change; callers check rights."""

    directory: DirectoryStore
    record_writer: RecordWriter
    lineage: TokenLineage
    clock: Clock
    randomness: Randomness
    environment: str

    async def issue(self, draft: Token, *, by: Principal) -> IssuedToken:
        """Create the token of `draft`, and set its id, hash and time of creation."""
        access_token = AccessToken.mint(self.environment, draft.owner, self.randomness)
        made = {
            "id": random_text(self.randomness, TOKEN_ID_LENGTH),
            "hash": access_token.hash,
            "created_ms": self.clock.now_ms(),
            "made_by": by.id,
            "made_with": by.token,
        }
        token = draft.model_copy(update=made)
        await self.lineage.record(by, Made.TOKEN, token.id, token.name)
        added = await self.record_writer.add(token, change=token_change("issued", token), by=by)
        await self.lineage.require_not_stolen(by)
        return IssuedToken(added, access_token.text)

    async def of(self, owner: str) -> list[UsedToken]:
        """Return the owner's tokens, oldest first, including expired ones."""
        uses = {use.token: use for use in await self.directory.list_by_owner(TokenUse, owner)}
        made = await self.lineage.of(owner)
        # During a rotation a token has two texts; the newer one counts.
        tokens = {
            token.id: token
            for token in _oldest_first(await self.directory.list_by_owner(Token, owner))
        }
        return [
            UsedToken(each, uses.get(each.id), tuple(made.get(each.id, ())))
            for each in _oldest_first(tokens.values())
        ]

    async def find(self, owner: str, token_id: str) -> UsedToken:
        """Return a token of the owner, or raise `TokenNotFound`, also for tokens of others."""
        token = (await self._texts(owner, token_id))[-1]
        made = (await self.lineage.of(owner)).get(token_id, ())
        use = await self.directory.get(TokenUse, Place(owner, token_id))
        return UsedToken(token, use, tuple(made))

    async def rename(self, token: Token, name: str, *, by: Principal) -> Token:

        async def attempt() -> Token:
            current = (await self._texts(token.owner, token.id))[-1]
            details = {"before": current.name, "after": name}
            change = replace(token_change("renamed", current), details=details)
            renamed = current.model_copy(update={"name": name})
            return await self.record_writer.replace(renamed, change=change, by=by)

        return await retry_when_stale(attempt)

    async def rotate(self, token: Token, expires_ms: int | None, *, by: Principal) -> IssuedToken:
        """Give the token a new text and a new expiry; the old text is refused within five seconds.

        Raises `TokenNotFound` where the token is revoked meanwhile.
        """
        old = await self._texts(token.owner, token.id)
        access_token = AccessToken.mint(self.environment, token.owner, self.randomness)
        changes = {
            "hash": access_token.hash,
            "created_ms": self.clock.now_ms(),
            "expires_ms": expires_ms,
            "provenance": None,  # The caller is not the CI job that got the old text.
            "made_by": by.id,
            "made_with": by.token,
            "revision": 1,
            "outbox": (),
        }
        token = old[-1].model_copy(update=changes)
        await self.lineage.record(by, Made.TOKEN, token.id, token.name)
        # The new text is added first: after a failure the old one is still valid.
        added = await self.record_writer.add(token, change=token_change("rotated", token), by=by)
        removed = [await self._remove_text(each) for each in old]
        if not removed[-1]:
            # It was revoked or rotated meanwhile, which has priority.
            await self._end(added, token_change("revoked", added), by)
            raise TokenNotFound(token.id)
        await self.lineage.require_not_stolen(by)
        return IssuedToken(added, access_token.text)

    async def revoke(self, token: Token, change: EntityChange, *, by: Principal) -> None:
        """Revoke the token with all its texts, and delete its last use; a repeat changes
        nothing."""
        with suppress(TokenNotFound):
            for each in await self._texts(token.owner, token.id):
                await self._end(each, change, by)
        use = await self.directory.get(TokenUse, Place(token.owner, token.id))
        if use is not None:
            with suppress(Stale):
                await self.directory.remove(use)

    async def _texts(self, owner: str, token_id: str) -> list[Token]:
        """Return the token once for each valid text, the newest last."""
        # The list by id may lag behind, and must not miss a new text.
        found = await self.directory.list_by_owner(Token, owner)
        texts = _oldest_first(token for token in found if token.id == token_id)
        if not texts:
            raise TokenNotFound(token_id)
        return texts

    async def _end(self, token: Token, change: EntityChange, by: Principal) -> None:
        async def attempt() -> None:
            current = await self.directory.get(Token, token.place)
            if current is not None:
                await self.record_writer.remove(current, change=change, by=by)

        await retry_when_stale(attempt)

    async def _remove_text(self, token: Token) -> bool:
        """Remove an old text without an event; say whether it existed."""

        async def attempt() -> bool:
            current = await self.directory.get(Token, token.place)
            if current is not None:
                await self.directory.remove(current)
            return current is not None

        return await retry_when_stale(attempt)


def token_change(what: str, token: Token) -> EntityChange:
    """Return the event of a token, which never contains its text or hash."""
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


MAX_LISTED = 500  # Tokens that end with one event; further ones have their own events.
MAX_NAMED = 20  # Named in an event; others are counted.
UNFINISHED_FOR = timedelta(days=1)  # How long upkeep finishes a crashed revocation.
