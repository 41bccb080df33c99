"""Asks the scanner of the operator about the archive of a push, before it becomes a release.

The archive is stored first, since the scanner fetches it by a link. One that the scanner refuses
has no release, and the sweep of orphaned archives deletes it.
"""

from datetime import UTC, datetime
from urllib.parse import urlencode

import standardwebhooks
from msgspec import Struct

from shared.auth.secrets import Secret
from shared.auth.signing_keys import ArchiveLinkSigner
from shared.domain.archives.bala import Bala
from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.names import ArchiveName
from shared.domain.errors.base import Invalid
from shared.domain.scans import (
    LINK_FOR_SCANNER_MS,
    ScanAnswer,
    ScanQuestion,
    ScanVerdict,
    read_answer,
)
from shared.ports.archive_store import ArchiveStore
from shared.ports.http_client import AnswerTooLarge, HttpClient, Unanswered
from shared.ports.system import Clock
from shared.services.packages.archive_delivery import scanned_link
from shared.telemetry.log import log

REFUSED = "scanner-refused"
_OK = 200


class ScannerOptions(Struct, frozen=True):
    """Where the scanner is, the secret that signs requests, and what becomes of a push that it
    does not answer. Without an address nobody is asked."""

    url: str
    secret: Secret | None  # Set if an address is set.
    without_answer: ScanVerdict


class Scanner(Struct, frozen=True):
    """Asks the scanner. The deadline is that of the client."""

    options: ScannerOptions
    http: HttpClient
    archives: ArchiveStore
    signer: ArchiveLinkSigner
    clock: Clock
    base_url: str

    @property
    def is_set(self) -> bool:
        return bool(self.options.url)

    async def ask(self, content: bytes | memoryview, bala: Bala) -> ScanAnswer:
        """Store the archive where only the scanner reaches it, and return what the scanner says, or
        what the setting says where there is no answer. Raises the refusal of a refused archive."""
        await self.signer.ready()
        name = ArchiveName(bala.archive_digest, bala.coordinate, bala.platform)
        await self.archives.put(name, content, ArchiveContainer.PRIVATE)
        answer = await self._answer(self._question(bala))
        if answer.verdict is ScanVerdict.REFUSE:
            raise Invalid(
                REFUSED,
                f"The scanner of this registry refuses {bala.coordinate}: {answer.reason_text}. "
                "Correct that and push again, or ask the operator.",
            )
        return answer

    def _question(self, bala: Bala) -> ScanQuestion:
        link = scanned_link(bala.archive_digest, bala.coordinate, bala.platform)
        expires_ms = self.clock.now_ms() + LINK_FOR_SCANNER_MS
        signature = self.signer.sign(link.path, expires_ms)
        query = urlencode({"expires": expires_ms, "signature": signature})
        url = f"{self.base_url}{link.path}?{query}"
        return ScanQuestion(bala.coordinate, bala.archive_digest, bala.size_bytes, url, expires_ms)

    async def _answer(self, question: ScanQuestion) -> ScanAnswer:
        now_ms = self.clock.now_ms()
        body = question.body(now_ms)
        at = datetime.fromtimestamp(now_ms // 1_000, UTC)
        secret = self.options.secret
        signer = standardwebhooks.Webhook(secret.reveal() if secret else "")
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Ballroom",
            "webhook-id": question.id,
            "webhook-timestamp": str(now_ms // 1_000),
            "webhook-signature": signer.sign(question.id, at, body),
        }
        try:
            response = await self.http.post(self.options.url, headers, body.encode())
        except AnswerTooLarge:
            return self._without(question, "its answer is too large")
        except Unanswered as failure:
            return self._without(question, f"it {failure.trouble}", details=str(failure))
        if response.status != _OK:
            return self._without(question, f"it answered with the status {response.status}")
        return read_answer(response.body) or self._without(question, "its answer has no verdict")

    def _without(self, question: ScanQuestion, reason: str, details: str = "") -> ScanAnswer:
        """Return what the setting says of a push without an answer."""
        verdict = self.options.without_answer
        log.warning(
            "scanner.unanswered",
            coordinate=str(question.coordinate),
            reason=details or reason,
            verdict=verdict.value,
        )
        return ScanAnswer(verdict, f"the scanner gave no verdict, as {reason}")
