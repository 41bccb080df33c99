"""Telling people what happens to their tokens, and those of their organizations."""

from dataclasses import dataclass

from shared.domain.accounts import Account
from shared.domain.token_letters import ending_letter, leaked_letter
from shared.domain.tokens import Token
from shared.ports import Clock, DirectoryStore
from shared.services.finding import accounts_of, owners_of
from shared.services.notifying import Notifying


@dataclass(frozen=True, slots=True)
class TokenNews:
    """Writes to whose token it is: a person, or the owners of an organization."""

    directory: DirectoryStore
    notifying: Notifying
    clock: Clock
    base_url: str

    async def leaked(self, token: Token, found_at: str) -> None:
        """Tell that the token was found in the open, and is revoked."""
        letter = leaked_letter(token, found_at, self._page(token))
        await self.notifying.tell(await self._owners(token), *letter)

    async def ending(self, token: Token) -> None:
        """Tell that the token ends soon."""
        letter = ending_letter(token, self._page(token))
        await self.notifying.tell(await self._owners(token), *letter)

    def _page(self, token: Token) -> str:
        """Return the page where whoever is told makes another one."""
        whose = f"/organizations/{token.org}" if token.org else ""
        return f"{self.base_url}/account{whose}/tokens"

    async def _owners(self, token: Token) -> list[Account]:
        if token.org:
            return await owners_of(self.directory, token.org, self.clock.now_ms())
        return await accounts_of(self.directory, [token.owner])
