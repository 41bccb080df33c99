"""Secret scanning: tokens that a scanner found in public are revoked at once, and their owners are
told.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum

from shared.auth.secret_scanning import LeakedToken, LeakReports
from shared.auth.tokens import AccessToken
from shared.domain.errors.identity import TokenMalformed
from shared.domain.identity import Principal
from shared.domain.records import Place
from shared.domain.tokens import Token
from shared.ports import Clock, DirectoryStore, WorkStore
from shared.services.mail import TokenMail
from shared.services.token_records import TokenRecords, token_change

SCANNER_ID = "scanner"  # Shorter than any account's id, so no account and no token has it.
REMEMBERED_FOR = timedelta(days=365)  # As long as a token could have been good for.
AT_ONCE = 20  # Tokens of one report that are looked up side by side.

_LEAKED, _TOLD = "leaked-token", "leaked-token-told"


class Label(Enum):
    """What became of a text that was reported, in the scanner's words."""

    TRUE_POSITIVE = "true_positive"
    FALSE_POSITIVE = "false_positive"


@dataclass(frozen=True, slots=True)
class LeakedTokenFinding:
    """A text of a report, and whether it was a token of this registry."""

    leaked: LeakedToken
    label: Label


@dataclass(frozen=True, slots=True)
class SecretScanning:
    """Ends reported tokens. A report may be sent again: its answer is the same, and nothing new
    happens. It tells of each text whether it was a token here, and nothing of whose."""

    reports: LeakReports
    records: TokenRecords
    directory: DirectoryStore
    work: WorkStore
    clock: Clock
    token_mail: TokenMail

    async def process_report(
        self, body: bytes, headers: Mapping[str, str], *, address: str
    ) -> list[LeakedTokenFinding]:
        """Read a signed report, end the tokens in it and say which there were.

        Raises what `LeakReports.read` raises.
        """
        leaked = await self.reports.read(body, headers)
        by = Principal(id=SCANNER_ID, credential="report", address=address)
        findings: list[LeakedTokenFinding] = []
        for start in range(0, len(leaked), AT_ONCE):
            findings += await self._judge(leaked[start : start + AT_ONCE], by)
        return findings

    async def _judge(
        self, leaked: Sequence[LeakedToken], by: Principal
    ) -> list[LeakedTokenFinding]:
        labels = await asyncio.gather(*(self._label(each, by) for each in leaked))
        return [LeakedTokenFinding(each, label) for each, label in zip(leaked, labels, strict=True)]

    async def _label(self, leaked: LeakedToken, by: Principal) -> Label:
        presented = self._presented(leaked)
        if presented is None:
            return Label.FALSE_POSITIVE
        token = await self.directory.get(Token, Place(presented.owner, presented.hash))
        if token is not None and not token.canary:
            await self._end(token, leaked, by)
            return Label.TRUE_POSITIVE
        known = await self.work.peek(_LEAKED, presented.hash, self.clock.now_ms())
        return Label.TRUE_POSITIVE if known else Label.FALSE_POSITIVE

    def _presented(self, leaked: LeakedToken) -> AccessToken | None:
        try:
            presented = AccessToken.parse(leaked.text)
        except TokenMalformed:
            return None
        return presented if presented.environment == self.records.environment else None

    async def _end(self, token: Token, leaked: LeakedToken, by: Principal) -> None:
        now_ms = self.clock.now_ms()
        until_ms = now_ms + REMEMBERED_FOR // timedelta(milliseconds=1)
        # Remembered before it ends: a report that comes again is answered alike.
        await self.work.put(_LEAKED, token.hash, token.id, until_ms)
        change = token_change("leaked", token)
        found = {**change.details, "found": leaked.address, "type": leaked.kind}
        await self.records.revoke(token, replace(change, details=found), by=by)
        if await self.work.claim(_TOLD, token.hash, token.id, expires_ms=until_ms, now_ms=now_ms):
            await self.token_mail.send_leaked(token, leaked.address)
