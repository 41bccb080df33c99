"""Why releases are withdrawn, as everybody reads it, and what is erased of them."""

from enum import Enum

from shared.domain.records import Record
from shared.domain.times import StoredMs, utc_text


class WithdrawalReason(Enum):
    """Why a release was withdrawn, for everybody who may see its package."""

    MALWARE = "malware"
    VULNERABILITY = "vulnerability"
    LEAK = "leaked-secret"
    IMPERSONATION = "impersonation"
    LEGAL = "legal"
    POLICY = "policy"
    OWNER_REQUEST = "owner-request"
    MISTAKE = "mistake"
    OTHER = "other"


class PublicReason(Record):
    """The public reason for a withdrawn release; `note` is a line of an administrator."""

    why: WithdrawalReason
    note: str = ""

    def __str__(self) -> str:
        return f"{self.why.value}: {self.note}" if self.note else self.why.value


class ErasedArchive(Record):
    """When the archive of a removed release was deleted with all that was made of it.

    A store that keeps copies of what was deleted has the last one until `copies_until_ms`.
    """

    at_ms: StoredMs
    copies_until_ms: StoredMs | None = None

    def __str__(self) -> str:
        return utc_text(self.at_ms)
