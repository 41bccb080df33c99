"""The lineage of tokens: what was created with a token, and ends if it is stolen."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

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
from shared.ports import AlreadyThere, Clock, DirectoryStore
from shared.runtime.retries import retry_when_stale
from shared.services.records import EntityChange, RecordWriter, all_entities


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


MAX_LISTED = 500  # Tokens that end with one event; further ones have their own events.
MAX_NAMED = 20  # Named in an event; others are counted.
UNFINISHED_FOR = timedelta(days=1)  # How long upkeep finishes a crashed revocation.
