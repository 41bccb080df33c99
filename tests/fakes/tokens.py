"""Tokens in a dictionary."""

from dataclasses import dataclass, field

from shared.domain.identity import Token
from shared.ports import AlreadyThere


@dataclass
class FakeTokens:
    """A `TokenStore` that counts its calls and fails on request."""

    by_id: dict[str, Token] = field(default_factory=dict[str, Token])
    calls: list[str] = field(default_factory=list[str])
    touch_fails_with: Exception | None = None

    async def find(self, owner: str, token_hash: str) -> Token | None:
        """Return the owner's token of this hash, or None."""
        self.calls.append("find")
        found = (each for each in self.by_id.values() if each.hash == token_hash)
        return next((token for token in found if token.owner == owner), None)

    async def add(self, token: Token) -> None:
        """Store a token unless its id or hash is taken."""
        self.calls.append("add")
        if any(token.id == each.id or token.hash == each.hash for each in self.by_id.values()):
            raise AlreadyThere
        self.by_id[token.id] = token

    async def list(self, owner: str) -> list[Token]:
        """Return the owner's tokens, oldest first."""
        self.calls.append("list")
        mine = [token for token in self.by_id.values() if token.owner == owner]
        return sorted(mine, key=lambda token: token.created_ms)

    async def remove(self, owner: str, token_id: str) -> bool:
        """Delete the owner's token."""
        self.calls.append("remove")
        token = self.by_id.get(token_id)
        if token is None or token.owner != owner:
            return False
        del self.by_id[token_id]
        return True

    async def touch(self, owner: str, token_id: str, used_ms: int) -> None:
        """Note the last use."""
        self.calls.append("touch")
        if self.touch_fails_with:
            raise self.touch_fails_with
        if token_id in self.by_id:
            used = {"last_used_ms": used_ms}
            self.by_id[token_id] = self.by_id[token_id].model_copy(update=used)

    async def remove_expired(self, before_ms: int) -> int:
        """Delete what expired before that time."""
        self.calls.append("remove_expired")
        kept = {
            token.id: token
            for token in self.by_id.values()
            if token.expires_ms is None or token.expires_ms >= before_ms
        }
        removed = len(self.by_id) - len(kept)
        self.by_id = kept
        return removed
