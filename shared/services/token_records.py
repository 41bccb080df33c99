"""Tokens as they are written: made, renamed, given a new text and ended, whoever may ask for it."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from shared.auth.base62 import random_text
from shared.auth.secret import Secret
from shared.auth.token import AccessToken
from shared.domain.entity import Place
from shared.domain.errors import TokenNotFound
from shared.domain.identity import Principal
from shared.domain.tokens import Made, MadeByToken, Token, TokenUse, described
from shared.ports import Clock, DirectoryStore, Randomness, Stale
from shared.services.changing import until_fresh
from shared.services.recording import Change, Recording
from shared.services.token_lineage import TokenLineage

ID_LENGTH = 10  # Base62: people type it to revoke a token.


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
    made: tuple[MadeByToken, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenRecords:
    """Writes tokens with the event of each change; who may is for the services that call it."""

    directory: DirectoryStore
    recording: Recording
    lineage: TokenLineage
    clock: Clock
    randomness: Randomness
    environment: str

    async def issue(self, draft: Token, *, by: Principal) -> IssuedToken:
        """Make the token that `draft` describes; its id, hash and time of making are set here."""
        minted = AccessToken.mint(self.environment, draft.owner, self.randomness)
        made = {
            "id": random_text(self.randomness, ID_LENGTH),
            "hash": minted.hash,
            "created_ms": self.clock.now_ms(),
            "made_by": by.id,
            "made_with": by.token,
        }
        token = draft.model_copy(update=made)
        await self.lineage.note(by, Made.TOKEN, token.id, token.name)
        added = await self.recording.add(token, change=change_of("issued", token), by=by)
        await self.lineage.check(by)
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
            change = replace(change_of("renamed", there), details=details)
            renamed = there.model_copy(update={"name": name})
            return await self.recording.replace(renamed, change=change, by=by)

        return await until_fresh(attempt)

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
        await self.lineage.note(by, Made.TOKEN, token.id, token.name)
        # New before old: whoever fails in between keeps what they have, and may try again.
        added = await self.recording.add(token, change=change_of("rotated", token), by=by)
        forgotten = [await self._forget(each) for each in old]
        if not forgotten[-1]:
            # Somebody revoked it, or gave it another text, meanwhile: that holds.
            await self._end(added, change_of("revoked", added), by)
            raise TokenNotFound(token.id)
        await self.lineage.check(by)
        return IssuedToken(added, minted.text)

    async def end(self, token: Token, change: Change, *, by: Principal) -> None:
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

    async def _end(self, token: Token, change: Change, by: Principal) -> None:
        async def attempt() -> None:
            there = await self.directory.get(Token, token.place)
            if there is not None:
                await self.recording.remove(there, change=change, by=by)

        await until_fresh(attempt)

    async def _forget(self, token: Token) -> bool:
        """Remove an old text, and say whether it was there; the event is with the new text."""

        async def attempt() -> bool:
            there = await self.directory.get(Token, token.place)
            if there is not None:
                await self.directory.remove(there)
            return there is not None

        return await until_fresh(attempt)


def change_of(what: str, token: Token) -> Change:
    """Return what an event says of a token: never its text, and never its hash."""
    return Change(
        f"token.{what}",
        token.id,
        org=token.org,
        account="" if token.org else token.owner,
        details={
            "name": token.name,
            "grants": described(token.grants),
            **(token.provenance.run if token.provenance else {}),
        },
    )


def _oldest_first(tokens: Iterable[Token]) -> list[Token]:
    return sorted(tokens, key=lambda token: (token.created_ms, token.id))
