"""Reminding people of tokens that end soon."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.tokens import Token
from shared.ports import Clock, DirectoryStore, WorkStore
from shared.services.reporting import BATCH, Report
from shared.services.token_news import TokenNews

# How long before its end a token is spoken of, each time once: to plan for it, and at last.
LEADS = (timedelta(days=1), timedelta(days=7))

_KIND = "token-reminder"
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Reminding:
    """Writes to the owners of tokens seven days and one day before they end."""

    directory: DirectoryStore
    work: WorkStore
    clock: Clock
    news: TokenNews

    async def run(self) -> Report:
        """Tell of each token whose time has come and that was not told of yet."""
        seen = told = 0
        now_ms = self.clock.now_ms()
        async for token in self._ending(now_ms, now_ms + max(LEADS) // _MS + 1):
            seen += 1
            told += await self._tell(token, now_ms)
        return Report("remind", seen, told)

    async def _ending(self, after_ms: int, before_ms: int) -> AsyncIterator[Token]:
        while batch := await self.directory.ending(Token, after_ms, before_ms, BATCH):
            for token in batch:
                yield token
            if len(batch) < BATCH:
                return
            # Others that end with the last one may be cut off; nobody is told twice of one.
            after_ms = max((batch[-1].expires_ms or 0) - 1, after_ms + 1)

    async def _tell(self, token: Token, now_ms: int) -> bool:
        lead = _lead(token, now_ms)
        if lead is None or token.canary or token.expires_ms is None:
            return False
        key = f"{token.hash}:{lead.days}"
        claimed = await self.work.claim(
            _KIND, key, token.id, expires_ms=token.expires_ms, now_ms=now_ms
        )
        if claimed:
            await self.news.ending(token)
        return claimed


def _lead(token: Token, now_ms: int) -> timedelta | None:
    """Return which reminder is due; none for a token that was made for less time than that."""
    left_ms = (token.expires_ms or 0) - now_ms
    due = next((lead for lead in LEADS if left_ms <= lead // _MS), None)
    if due is None or (token.expires_ms or 0) - token.created_ms <= due // _MS:
        return None
    return due
