"""The states of a release under moderation, and who holds it."""

from enum import Enum

from shared.domain.records import Record
from shared.domain.times import StoredMs


class State(Enum):
    """The state of a release under moderation; only live ones are served."""

    LIVE = "live"
    HELD = "held"
    QUARANTINED = "quarantined"
    REMOVED = "removed"


class Holder(Enum):
    """Who holds a held release, and so can end the hold; or what quarantined one by itself."""

    ADMINISTRATOR = "administrator"
    # An owner of its organization holds it. It was published, and everybody sees that it is held.
    OWNER = "owner"
    PACKAGE = "package"  # It was pushed while its package was held as a whole.
    REVIEW = "approval"  # A rule asks that people approve it first; stored by this value.
    SIGSTORE = "sigstore"  # Its organization requires a Sigstore bundle, which has not come yet.
    REPORTS = "reports"  # Reports of users quarantined it, until an administrator decides.


# States of releases that are served, or can be once nothing holds them any more.
SERVABLE = frozenset((State.LIVE, State.HELD))
# States that an administrator sets, or that reports set until an administrator decides.
WITHDRAWN = frozenset((State.QUARANTINED, State.REMOVED))


class PackageHold(Record):
    """A package is held as a whole: new releases wait, old ones stay. An administrator did it while
    a case is open, or its first push, because its name resembles a popular one."""

    reason: str
    by: str
    since_ms: StoredMs
    resembles: str = ""  # The popular organization or package; empty for a case.

    def __str__(self) -> str:
        return self.reason
