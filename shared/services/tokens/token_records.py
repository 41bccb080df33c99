"""Stored access tokens: creates, finds, renames, rotates and revokes them, with an event for each
change.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from shared.auth.secrets import Secret, random_text
from shared.auth.tokens import AccessToken
from shared.domain.errors.identity import TokenNotFound
from shared.domain.identity import Principal
from shared.domain.records import Place
from shared.domain.tokens import Token, TokenUse, describe_grants
from shared.ports import Clock, DirectoryStore, Randomness, Stale
from shared.runtime.retries import retried_when_stale
from shared.services.records import EntityChange, RecordWriter

TOKEN_ID_LENGTH = 10  # Base62: people type it to revoke a token.


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token with its text, which is not stored and never shown again."""

    token: Token
    text: Secret


@dataclass(frozen=True, slots=True)
class UsedToken:
    """A token with its last use."""

    token: Token
    use: TokenUse | None = None


@dataclass(frozen=True, slots=True)
class TokenRecords:
    """Writes tokens with an event for each change; callers check rights."""

    directory: DirectoryStore
    record_writer: RecordWriter
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
        }
        token = draft.model_copy(update=made)
        added = await self.record_writer.add(token, change=token_change("issued", token), by=by)
        return IssuedToken(added, access_token.text)

    async def of(self, owner: str) -> list[UsedToken]:
        """Return the owner's tokens, oldest first, including expired ones."""
        uses = {use.token: use for use in await self.directory.list_by_owner(TokenUse, owner)}
        # During a rotation a token has two texts; the newer one counts.
        tokens = {
            token.id: token
            for token in _oldest_first(await self.directory.list_by_owner(Token, owner))
        }
        return [UsedToken(each, uses.get(each.id)) for each in _oldest_first(tokens.values())]

    async def find(self, owner: str, token_id: str) -> UsedToken:
        """Return a token of the owner, or raise `TokenNotFound`, also for tokens of others."""
        token = (await self._texts(owner, token_id))[-1]
        use = await self.directory.get(TokenUse, Place(owner, token_id))
        return UsedToken(token, use)

    @retried_when_stale
    async def rename(self, token: Token, name: str, *, by: Principal) -> Token:
        current = (await self._texts(token.owner, token.id))[-1]
        details = {"before": current.name, "after": name}
        change = replace(token_change("renamed", current), details=details)
        renamed = current.model_copy(update={"name": name})
        return await self.record_writer.replace(renamed, change=change, by=by)

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
            "revision": 1,
            "outbox": (),
        }
        token = old[-1].model_copy(update=changes)
        # The new text is added first: after a failure the old one is still valid.
        added = await self.record_writer.add(token, change=token_change("rotated", token), by=by)
        removed = [await self._remove_text(each) for each in old]
        if not removed[-1]:
            # It was revoked or rotated meanwhile, which has priority.
            await self._end(added, token_change("revoked", added), by)
            raise TokenNotFound(token.id)
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

    @retried_when_stale
    async def _end(self, token: Token, change: EntityChange, by: Principal) -> None:
        current = await self.directory.get(Token, token.place)
        if current is not None:
            await self.record_writer.remove(current, change=change, by=by)

    @retried_when_stale
    async def _remove_text(self, token: Token) -> bool:
        """Remove an old text without an event; say whether it existed."""
        current = await self.directory.get(Token, token.place)
        if current is not None:
            await self.directory.remove(current)
        return current is not None


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
