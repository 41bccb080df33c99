"""Why releases are withdrawn, as everybody reads it."""

from collections.abc import Mapping
from enum import Enum

from shared.domain.records import Record


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


# What each public reason is called, and what it says.
WITHDRAWAL_TITLES: Mapping[WithdrawalReason, tuple[str, str]] = {
    WithdrawalReason.MALWARE: ("Malware", "It contains code that harms those who use it."),
    WithdrawalReason.VULNERABILITY: ("Vulnerability", "It has a severe security vulnerability."),
    WithdrawalReason.LEAK: (
        "Leaked secret",
        "Its archive contains a secret, such as a password or a key.",
    ),
    WithdrawalReason.IMPERSONATION: (
        "Impersonation",
        "It pretends to be a package, or to come from a publisher, that it is not.",
    ),
    WithdrawalReason.LEGAL: ("Legal reasons", "The law does not allow distributing it."),
    WithdrawalReason.POLICY: ("Policy violation", "It violates the policies of this registry."),
    WithdrawalReason.OWNER_REQUEST: ("Owner's request", "Its owners asked for the withdrawal."),
    WithdrawalReason.MISTAKE: ("Mistake", "It was published by mistake."),
    WithdrawalReason.OTHER: ("Other reason", "The administrator chose no other category."),
}


def reason_text(why: WithdrawalReason) -> str:
    """Return what a public reason is called, and what it says."""
    title, sentence = WITHDRAWAL_TITLES[why]
    return f"{title}. {sentence}"
