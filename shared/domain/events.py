"""Events: what is recorded of a change, the logs that show it, and what it says of people."""

from collections.abc import Iterable, Mapping, Sequence

from pydantic import Field

from shared.domain.records import Record


class Event(Record):
    """A change, for the event feed.

    `org` (a key) and `account` (an id) select the audit logs that show it; `actor`, `credential`
    and `address` say who made it, with what and from where. `public` says that everybody could
    read of it when it happened, so that its leaf in the transparency log is readable.
    """

    id: str
    kind: str
    at_ms: int
    actor: str
    subject: str
    org: str = ""
    account: str = ""
    credential: str = ""
    address: str = ""
    details: dict[str, str] = Field(default_factory=dict[str, str])
    public: bool = False

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of its logs: of an organization, an account, a package, and the people who
        publish the packages of an organization."""
        org = (org_stream(self.org),) if self.org else ()
        account = (account_stream(self.account),) if self.account else ()
        package = (package_stream(self.subject.partition(":")[0]),) if self._is_of_package else ()
        publishing = (publishing_stream(self.org),) if self._changes_who_publishes else ()
        return (*org, *account, *package, *publishing)

    @property
    def _is_of_package(self) -> bool:
        is_of_publisher = self.kind in _KINDS_OF_PUBLISHERS and "/" in self.subject
        return is_of_publisher or self.kind.startswith(_KINDS_OF_PACKAGES)

    @property
    def _changes_who_publishes(self) -> bool:
        """Whether it is about the role of somebody who publishes the packages of an organization,
        or did before."""
        if not self.org or not self.kind.startswith(_KINDS_OF_ROLES):
            return False
        roles = {self.details.get("before", ""), self.details.get("after", "")}
        return self.kind.startswith(_KINDS_OF_OWNERS) or not roles.isdisjoint(ROLES_THAT_PUBLISH)


_KINDS_OF_PACKAGES = ("package.", "release.")
# Changes of the trusted publishers of a package. A job that was refused changes nothing.
_KINDS_OF_PUBLISHERS = frozenset(
    {"publisher.added", "publisher.bound", "publisher.confirmed", "publisher.removed"}
)
_KINDS_OF_OWNERS = "owner."
_KINDS_OF_ROLES = (_KINDS_OF_OWNERS, "member.")
ROLES_THAT_PUBLISH = frozenset({"owner", "maintainer"})  # As in the details of events.


def waiting_since(outbox: Sequence[Event]) -> int | None:
    """Return since when the events of a record wait to be appended; None if it has none."""
    return outbox[0].at_ms if outbox else None


def package_stream(package: str) -> str:
    """Return the name of the log of a package, its releases and its trusted publishers; `package`
    is such as `acme/greet`."""
    return f"package:{package.lower()}"


def publishing_stream(org: str) -> str:
    """Return the name of the log of the roles that publish the packages of an organization."""
    return f"publishing:{org.lower()}"


def org_stream(key: str) -> str:
    return f"org:{key}"


def account_stream(account_id: str) -> str:
    return f"account:{account_id}"


# The public reason of a restored release: withholding it was a mistake.
MISTAKE = "mistake"

_RESTORED = "release.live"


def without_internal_reason(event: Event) -> dict[str, str]:
    """Return the details of an event for those who may not read what only owners read: the reason
    of a withdrawal is the public one, and that of a restored release that it was a mistake."""
    details = dict(event.details)
    if "state_reason" not in details:
        return details
    public = MISTAKE if event.kind == _RESTORED else details.get("public_reason", "")
    before = details.get("public_reason_before", "")
    return {**details, "state_reason": public, "state_reason_before": before}


# By the first word of a kind, the details that say who somebody is or where they were. The id of
# the account stays. A new detail about a person is added here.
PERSONAL_DETAILS: Mapping[str, frozenset[str]] = {
    "account": frozenset({"name", "before", "after"}),
    "device": frozenset({"client", "machine-address"}),
    "identity": frozenset({"label"}),
    "invitation": frozenset({"label"}),
    "session": frozenset({"agent", "from"}),
    "token": frozenset({"name", "before", "after"}),  # The names of tokens, which people choose.
}
# What people wrote about the person: it goes with the account, not with age.
_REMARKS = frozenset({"reason"})
# These say why an account was erased, and their reasons name nobody.
_ERASURES = frozenset({"account.deleted", "account.erasing", "account.kept"})


def is_personal(event: Event) -> bool:
    """Check whether the event says from where or with what somebody acted, or who they are."""
    return bool(event.address or event.credential or _named(event) or _subject_is_personal(event))


def anonymized(event: Event) -> Event:
    """Return the event without who somebody is and where they were; ids of accounts stay."""
    return _without(event, _named(event)).model_copy(update={"address": "", "credential": ""})


def without_account(event: Event, account_id: str) -> Event:
    """Return the event without what it says of an account that is deleted, except its id."""
    if event.account == account_id:
        remarks = _REMARKS if event.kind not in _ERASURES else frozenset[str]()
        event = _without(event, _named(event) | (remarks & event.details.keys()))
    if event.actor == account_id:
        event = event.model_copy(update={"address": "", "credential": ""})
    return event


def _topic(event: Event) -> str:
    return event.kind.partition(".")[0]


def _named(event: Event) -> set[str]:
    """Return the details of the event that are about a person."""
    if _topic(event) == "token" and event.org:
        return set()  # A token of an organization is for a machine.
    return set(PERSONAL_DETAILS.get(_topic(event), frozenset()) & event.details.keys())


def _subject_is_personal(event: Event) -> bool:
    """The subject of a device is the name of somebody's machine."""
    return _topic(event) == "device" and bool(event.subject)


def _without(event: Event, names: Iterable[str]) -> Event:
    left_out = set(names)
    details = {name: value for name, value in event.details.items() if name not in left_out}
    subject = "" if _subject_is_personal(event) else event.subject
    return event.model_copy(update={"details": details, "subject": subject})
