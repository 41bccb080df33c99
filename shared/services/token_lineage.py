"""What was made with access tokens, and how it ends with a token that was stolen."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.domain.entity import Entity, Place
from shared.domain.errors import TokenNotFound, TokenUnknown
from shared.domain.identity import UPKEEP, Principal
from shared.domain.invitations import Invitation, place_of_invitation
from shared.domain.organizations import Membership, place_of_member
from shared.domain.tokens import (
    Made,
    MadeByToken,
    StolenToken,
    Token,
    TokenUse,
    counted,
    described,
)
from shared.ports import AlreadyThere, Clock, DirectoryStore
from shared.services.changing import until_fresh
from shared.services.listing import everything
from shared.services.recording import Change, Recording

MOST_LISTED = 500  # Tokens that one event stands for; the end of any other has its own.
MOST_NAMED = 20  # Things that an event names; of the others it tells how many there are.
UNFINISHED_FOR = timedelta(days=1)  # How long upkeep finishes a revocation that was broken off.


@dataclass(frozen=True, slots=True)
class TokenLineage:
    """Notes what is made with tokens, and ends it with those that were stolen.

    A revocation as stolen writes its record before it looks for what was made, and whoever makes
    something looks for that record afterwards: one of the two sees the other, so nothing is left.
    """

    directory: DirectoryStore
    recording: Recording
    clock: Clock

    async def note(self, by: Principal, what: Made, subject: str, name: str, org: str = "") -> None:
        """Note what `by` is about to make; nothing is noted of people, who have no token."""
        if by.token:
            await self.note_with(by.token, by.id, what, subject, name=name, org=org)

    async def note_with(
        self, token: str, owner: str, what: Made, subject: str, *, name: str, org: str
    ) -> None:
        """Note what is about to be made with a token of `owner`."""
        made = MadeByToken(
            owner=owner,
            token=token,
            what=what,
            org=org,
            id=subject,
            name=name,
            made_ms=self.clock.now_ms(),
        )
        await self.directory.put(made)

    async def of(self, owner: str) -> dict[str, list[MadeByToken]]:
        """Return what was made with the tokens of `owner`, by the id of the token."""
        found: dict[str, list[MadeByToken]] = {}
        for each in await self.directory.of(MadeByToken, owner):
            found.setdefault(each.token, []).append(each)
        return found

    async def check(self, by: Principal) -> None:
        """Raise `TokenUnknown` after ending what `by` has just made, if their token was stolen.

        One read of the store for tokens, and none for people.
        """
        if by.token:
            await self.check_with(by.token, by.id)

    async def check_with(self, token: str, owner: str) -> None:
        """Raise as `check` does, for what was made with a token of `owner`."""
        stolen = await self.directory.get(StolenToken, Place(owner, token))
        if stolen is not None:
            await self._finish(stolen, UPKEEP)
            raise TokenUnknown

    async def revoke(self, owner: str, token_id: str, *, by: Principal) -> Sequence[MadeByToken]:
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

    async def finish(self) -> int:
        """Finish what a crash broke off; return how many revocations were looked at."""
        since_ms = self.clock.now_ms() - UNFINISHED_FOR // timedelta(milliseconds=1)
        recent = [
            each for each in await everything(self.directory, StolenToken) if each.at_ms >= since_ms
        ]
        for each in recent:
            await self._finish(each, UPKEEP)
        return len(recent)

    async def forget(self, owner: str) -> None:
        """Delete what is noted of the tokens of `owner`, after finishing what a crash broke off."""
        for stolen in await self.directory.of(StolenToken, owner):
            await self._finish(stolen, UPKEEP)
            await self._remove(stolen, None, UPKEEP)
        for made in await self.directory.of(MadeByToken, owner):
            await self._remove(made, None, UPKEEP)

    async def _declare(
        self,
        owner: str,
        token_id: str,
        texts: Sequence[Token],
        made: Sequence[MadeByToken],
        *,
        by: Principal,
    ) -> StolenToken:
        tokens = [each.id for each in made if each.what is Made.TOKEN]
        listed = tuple(tokens[:MOST_LISTED])
        stolen = StolenToken(owner=owner, id=token_id, listed=listed, at_ms=self.clock.now_ms())
        told = {**counted(made), "made": ", ".join(map(str, made[:MOST_NAMED]))}
        change = Change("token.stolen", token_id, account=owner, details={"name": token_id, **told})
        for token in texts:
            named = {"name": token.name, "grants": described(token.grants), **told}
            account = "" if token.org else owner
            change = replace(change, org=token.org, account=account, details=named)
        try:
            return await self.recording.add(stolen, change=change, by=by)
        except AlreadyThere:
            return stolen  # Somebody else says so at the same moment, and both finish it.

    async def _finish(self, stolen: StolenToken, by: Principal) -> None:
        await self._end_text(stolen)
        end: Mapping[Made, Callable[[MadeByToken, StolenToken, Principal], Awaitable[None]]] = {
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

    async def _end_token(self, made: MadeByToken, stolen: StolenToken, by: Principal) -> None:
        details = {"name": made.name, "with": stolen.id}
        own = Change("token.revoked", made.id, account=stolen.owner, details=details)
        change = None if made.id in stolen.listed else own
        for token in await self.directory.of(Token, stolen.owner):
            if token.id == made.id and token.made_with == stolen.id:
                await self._remove(token, change, by)

    async def _end_invitation(self, made: MadeByToken, stolen: StolenToken, by: Principal) -> None:
        found = await self.directory.get(Invitation, place_of_invitation(made.org, made.id))
        if found is not None and found.made_with == stolen.id:
            details = {"invitation": found.id, "role": found.role.value, "label": found.label}
            change = Change("invitation.withdrawn", made.org, org=made.org, details=details)
            await self._remove(found, change, by)

    async def _end_membership(self, made: MadeByToken, stolen: StolenToken, by: Principal) -> None:
        found = await self.directory.get(Membership, place_of_member(made.org, made.id))
        if found is not None and found.made_with == stolen.id:
            details = {"account": made.id, "before": found.role.value, "after": ""}
            change = Change(
                "member.removed", made.org, org=made.org, account=made.id, details=details
            )
            await self._remove(found, change, by)

    async def _remove(self, entity: Entity, change: Change | None, by: Principal) -> None:
        """Remove the entity as it is now, with the event of a change if there is one."""

        async def attempt() -> None:
            there = await self.directory.get(type(entity), entity.place)
            if there is None:
                return
            if change is None:
                await self.directory.remove(there)
            else:
                await self.recording.remove(there, change=change, by=by)

        await until_fresh(attempt)
