"""The history of a package: its events, as members of its organization and as others may read them.

Members read every change, who made it, and with what kind of credential. Others read releases,
deprecations and withdrawals, and no names of people. Addresses, ids of credentials and reasons for
owners are in the audit log alone.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Self

from msgspec import Struct

from shared.domain.change_feed import package_change
from shared.domain.events import Event
from shared.domain.principals import DIRECTORY, GROUPS, MAINTENANCE, MIRROR, OPERATOR


class CredentialKind(Enum):
    """The kind of credential that a change was made with."""

    SESSION = "session"  # A browser of somebody who signed in.
    TOKEN = "access-token"  # noqa: S105 - it names a kind and is none.
    JOB = "trusted-publisher"
    OPERATOR = "operator"  # A command on the registry's machine.
    REGISTRY = "registry"  # A task, a rule about groups, or the directory.
    UPSTREAM = "upstream"  # Another registry, which is mirrored here.


_WORDS: Mapping[str, CredentialKind] = {
    OPERATOR.credential: CredentialKind.OPERATOR,
    MAINTENANCE.credential: CredentialKind.REGISTRY,
    GROUPS.credential: CredentialKind.REGISTRY,
    DIRECTORY.credential: CredentialKind.REGISTRY,
    MIRROR.credential: CredentialKind.UPSTREAM,
}
_OF_SESSIONS = "session"  # How credentials of sessions begin.

# The details that members read. Not the successor, which they may not be allowed to see.
_MEMBERS_READ = frozenset(
    (
        "account",
        "before",
        "after",
        "visibility",
        "visibility_before",
        "pushers",
        "pushers_before",
        # Of the job that did it, or of a trusted publisher.
        "provider",
        "issuer",
        "repository",
        "workflow",
        "refs",
        "environment",
        "ref",
        "commit",
    )
)
_OF_VISIBILITY = frozenset({"package.public", "package.private", "package.internal"})


class HistoryEntry(Struct, frozen=True):
    """A change of a package: its number in the feed, and the event without what its reader may not
    see. `run` is the address of the CI run that made it."""

    number: int
    event: Event
    using: CredentialKind | None
    message: str
    run: str

    @classmethod
    def for_members(cls, number: int, event: Event) -> Self:
        details = {name: text for name, text in event.details.items() if name in _MEMBERS_READ}
        return cls._of(number, event, {"details": details}, _credential_kind(event))

    @classmethod
    def for_others(cls, number: int, event: Event) -> Self | None:
        """Return None for a change that only members read.

        The kind does not say whether a withdrawn release is held, quarantined or removed.
        """
        change = package_change(number, event)
        if change is None or event.kind in _OF_VISIBILITY:
            return None
        topic = event.kind.partition(".")[0]
        update = {"kind": f"{topic}.{change.change.value}", "actor": "", "account": ""}
        return cls._of(number, event, {**update, "details": {}}, _public_credential_kind(event))

    @classmethod
    def _of(
        cls, number: int, event: Event, update: dict[str, object], using: CredentialKind | None
    ) -> Self:
        shown = event.model_copy(update={"address": "", "credential": "", **update})
        message = event.details.get("deprecation", "") or event.details.get("public_reason", "")
        run = event.details.get("run", "") if _is_by_job(event) else ""
        return cls(number, shown, using, message, run if run.startswith("https://") else "")

    @property
    def version(self) -> str:
        """The version of a release; empty for the whole package."""
        return self.event.subject.partition(":")[2]

    @property
    def account(self) -> str:
        """The id of the account that it is about, which may be empty."""
        return self.event.details.get("account", self.event.account)


def _is_by_job(event: Event) -> bool:
    return event.kind.startswith("release.") and "provider" in event.details


def _credential_kind(event: Event) -> CredentialKind | None:
    """Return with what it was made; None if the event does not say so any more."""
    credential = event.credential
    if _is_by_job(event):
        return CredentialKind.JOB
    if credential.startswith(_OF_SESSIONS):
        return CredentialKind.SESSION
    return _WORDS.get(credential, CredentialKind.TOKEN) if credential else None


def _public_credential_kind(event: Event) -> CredentialKind | None:
    """Return what the provenance of a new release says to everybody; None for other changes."""
    if event.kind == "release.mirrored":
        return CredentialKind.UPSTREAM
    if event.kind != "release.published":
        return None
    return CredentialKind.JOB if _is_by_job(event) else CredentialKind.TOKEN
