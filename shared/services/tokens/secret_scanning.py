"""Secret scanning: tokens that a scanner found in public are revoked and their owners notified."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.access_tokens import AccessToken
from shared.auth.leak_reports import LeakedToken, LeakReports
from shared.domain.entities import Place
from shared.domain.errors.identity import TokenMalformed
from shared.domain.principals import Principal
from shared.domain.times import MS
from shared.domain.tokens import Token
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.services.tokens.token_mail import TokenMail
from shared.services.tokens.tokens import TokenRecords, token_change

SCANNER_ID = "scanner"  # Shorter than ids of accounts, so no account has it.
REPORTS_KEPT_FOR = timedelta(days=365)  # The longest lifetime of a token.
MAX_CONCURRENT_READS = 20  # Tokens of one report that are read concurrently.

_LEAKED = "leaked-token"


class Label(Enum):
    """The verdict on a reported text, in the scanner's words."""

    TRUE_POSITIVE = "true_positive"
    FALSE_POSITIVE = "false_positive"


class LeakedTokenFinding(Struct, frozen=True):
    """A reported text, and whether it is a token of this registry."""

    leaked: LeakedToken
    label: Label


class SecretScanning(Struct, frozen=True):
    """Revokes reported tokens.

    A repeated report has the same result and changes nothing. The result does not reveal the
    owner of a token.
    """

    reports: LeakReports
    token_records: TokenRecords
    directory: DirectoryStore
    work: WorkStore
    clock: Clock
    token_mail: TokenMail

    async def process_report(
        self, body: bytes, headers: Mapping[str, str], *, address: str
    ) -> list[LeakedTokenFinding]:
        """Read a signed report, revoke its tokens, and return a finding for each text.

        Raises as `LeakReports.read` does.
        """
        leaked = await self.reports.read(body, headers)
        by = Principal(id=SCANNER_ID, credential="report", address=address)
        findings: list[LeakedTokenFinding] = []
        for start in range(0, len(leaked), MAX_CONCURRENT_READS):
            findings += await self._process(leaked[start : start + MAX_CONCURRENT_READS], by)
        return findings

    async def _process(
        self, leaked: Sequence[LeakedToken], by: Principal
    ) -> list[LeakedTokenFinding]:
        labels = await asyncio.gather(*(self._label(each, by) for each in leaked))
        return [LeakedTokenFinding(each, label) for each, label in zip(leaked, labels, strict=True)]

    async def _label(self, leaked: LeakedToken, by: Principal) -> Label:
        access_token = self._parse(leaked)
        if access_token is None:
            return Label.FALSE_POSITIVE
        token = await self.directory.get(Token, Place(access_token.owner, access_token.hash))
        if token is not None:
            await self._revoke(token, leaked, by)
            return Label.TRUE_POSITIVE
        known = await self.work.peek(_LEAKED, access_token.hash, self.clock.now_ms())
        return Label.TRUE_POSITIVE if known else Label.FALSE_POSITIVE

    def _parse(self, leaked: LeakedToken) -> AccessToken | None:
        try:
            access_token = AccessToken.parse(leaked.text)
        except TokenMalformed:
            return None
        return access_token if access_token.environment == self.token_records.environment else None

    async def _revoke(self, token: Token, leaked: LeakedToken, by: Principal) -> None:
        until_ms = self.clock.now_ms() + REPORTS_KEPT_FOR // MS
        # Stored before the revocation, so that a repeated report has the same result.
        await self.work.put(_LEAKED, token.hash, token.id, until_ms)
        change = token_change("leaked", token)
        found = {**change.details, "found": leaked.address, "type": leaked.kind}
        await self.token_records.revoke(token, replace(change, details=found), by=by)
        await self.token_mail.send_leaked(token, leaked.address, until_ms=until_ms)
