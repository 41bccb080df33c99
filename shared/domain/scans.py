"""What a scanner of the operator's own is asked about an archive, and what it answers."""

import json
from enum import Enum

import msgspec
from msgspec import Struct

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import printable
from shared.domain.times import utc_text

MAX_SCAN_ANSWER_BYTES = 64 * 1024  # A verdict and a sentence.
HELD_BY_SCANNER = "The scanner of this registry did not accept it"  # How stored reasons begin.
MAX_SCAN_REASON = 300  # Characters that are kept of a reason.
# This leaves time for a scanner that still works after its answer.
LINK_FOR_SCANNER_MS = 10 * 60 * 1000


class ScanVerdict(Enum):
    """What becomes of a release by the answer of the scanner."""

    ACCEPT = "accept"
    HOLD = "hold"  # Administrators decide.
    REFUSE = "refuse"


class ScanAnswer(Struct, frozen=True):
    """What the scanner says, or the setting if it says nothing; the reason is for people."""

    verdict: ScanVerdict
    reason: str = ""

    @property
    def reason_text(self) -> str:
        """The reason as the end of a sentence."""
        return printable(self.reason.rstrip(".")) if self.reason else "it gives no reason"

    @property
    def held_because(self) -> str:
        """Why the release is held, as a sentence; empty if it is not."""
        if self.verdict is not ScanVerdict.HOLD:
            return ""
        return f"{HELD_BY_SCANNER}: {self.reason_text}."


class _AnswerBody(Struct, frozen=True):
    verdict: ScanVerdict
    reason: str = ""


def read_answer(body: bytes) -> ScanAnswer | None:
    """Return the answer in the body of a response; None for anything else."""
    try:
        read = msgspec.json.decode(body, type=_AnswerBody)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    text = " ".join(read.reason.split())[:MAX_SCAN_REASON]
    return ScanAnswer(read.verdict, "".join(c for c in text if c.isprintable()))


class ScanQuestion(Struct, frozen=True):
    """An archive that somebody pushes, and a link to it."""

    coordinate: Coordinate
    digest: Digest
    size_bytes: int
    url: str
    expires_ms: int

    @property
    def id(self) -> str:
        """The id of the request, the same for each push of these bytes."""
        return f"scan_{self.digest.hex[:32]}"

    def body(self, now_ms: int) -> str:
        """Return the body of the request: `type`, `timestamp` and `data`, as Standard Webhooks
        says."""
        package = self.coordinate.package
        data = {
            "coordinate": str(self.coordinate),
            "org": package.org,
            "name": package.name,
            "version": self.coordinate.version.text,
            "digest": f"sha256:{self.digest}",
            "size": self.size_bytes,
            "url": self.url,
            "urlExpiresAt": utc_text(self.expires_ms),
        }
        sent = {"type": "archive.scan", "timestamp": utc_text(now_ms), "data": data}
        return json.dumps(sent, ensure_ascii=False, separators=(",", ":"))
