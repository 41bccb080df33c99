"""Task `send-expiry-reminders`, every hour at minute 37: notifies the owners of tokens before they
expire."""

from collections.abc import AsyncIterator
from datetime import timedelta

from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.domain.tokens import Token
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.services.maintenance.tasks import Task
from shared.services.record_batches import RECORDS_AT_ONCE
from shared.services.tokens.token_mail import TokenMail

SCHEDULE = "30 37 * * * *"

REMINDER_LEADS = (timedelta(days=1), timedelta(days=7))  # Before a token expires.


class SendExpiryReminders(Task, frozen=True):
    id = "send-expiry-reminders"
    title = "Send reminders about expiring tokens"
    sentence = "Notifies the owners of tokens seven days and one day before they expire."
    schedule = SCHEDULE

    directory: DirectoryStore
    token_mail: TokenMail
    clock: Clock

    async def run(self) -> TaskReport:
        seen = sent = 0
        now_ms = self.clock.now_ms()
        async for token in self._expiring(now_ms, now_ms + max(REMINDER_LEADS) // MS + 1):
            seen += 1
            sent += await self._remind(token, now_ms)
        return TaskReport(seen, sent)

    async def _expiring(self, after_ms: int, before_ms: int) -> AsyncIterator[Token]:
        while batch := await self.directory.list_expiring(
            Token, after_ms, before_ms, RECORDS_AT_ONCE
        ):
            for token in batch:
                yield token
            if len(batch) < RECORDS_AT_ONCE:
                return
            # The batch may end among tokens that expire at the same time, so the next one repeats
            # them; each reminder is sent once.
            after_ms = max((batch[-1].expires_ms or 0) - 1, after_ms + 1)

    async def _remind(self, token: Token, now_ms: int) -> bool:
        lead = _due_reminder(token, now_ms)
        if lead is None or token.expires_ms is None:
            return False
        sent = await self.token_mail.send_expiry_reminder(token, lead, until_ms=token.expires_ms)
        return sent > 0


def _due_reminder(token: Token, now_ms: int) -> timedelta | None:
    """Return the reminder that is due; None for a token whose lifetime is not longer than it."""
    left_ms = (token.expires_ms or 0) - now_ms
    due = next((lead for lead in REMINDER_LEADS if left_ms <= lead // MS), None)
    if due is None or (token.expires_ms or 0) - token.created_ms <= due // MS:
        return None
    return due
