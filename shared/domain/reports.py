"""Reports: what people say is wrong with a release, what administrators decide about it, and how
much a report weighs before they do.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from enum import Enum
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import ClassVar

from shared.domain.accounts import Account
from shared.domain.coordinates import Coordinate, package_owner
from shared.domain.entities import Entity, Place
from shared.domain.errors.base import Invalid, InvalidRequest, NotFound
from shared.domain.names import OrgName
from shared.domain.records import Record
from shared.domain.text_lines import MAX_DESCRIPTION, parse_line
from shared.domain.times import MS
from shared.domain.withdrawal_reasons import WithdrawalReason

REPORTS_KEPT_FOR = timedelta(days=365)  # After the decision: as long as a false report counts.
YOUNG_FOR = timedelta(days=30)  # Accounts made for one campaign are younger.
# A release with more dependents is not quarantined by reports, because too many builds would break.
MAX_DEPENDENTS = 100
MAX_QUARANTINES = 10  # Quarantines by reports that may wait for an administrator at the same time.
MAX_REPORTS = 1_000  # Reports about one release that may wait for an administrator.
MAX_WEIGHTLESS_REPORTS = 100  # If this many reports wait, reports without weight are refused.
REPORT_ID_LENGTH = 20  # Hexadecimal.

# Reasons for which users can report a release; other reasons of a withdrawal are left to
# administrators and owners.
REPORT_REASONS = (
    WithdrawalReason.MALWARE,
    WithdrawalReason.IMPERSONATION,
    WithdrawalReason.LEAK,
    WithdrawalReason.LEGAL,
    WithdrawalReason.OTHER,
)

# The reason of a release that reports quarantined. Nobody else writes these words, so they also say
# that no administrator has decided yet.
QUARANTINED_BY_REPORTS = (
    "Several users reported it. It is quarantined until an administrator decides on their reports."
)

FULL_WEIGHT = 1.0
# The weight of a report after no and after one false report; after more it weighs nothing.
WEIGHT_AFTER_FALSE = (FULL_WEIGHT, 0.5)

WAITING_RELEASES = "waiting"  # The subject that all releases share whose reports wait.
_IPV4_PREFIX = 24
_IPV6_PREFIX = 48


class ReportState(Enum):
    """What became of a report."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"  # The release was withheld.
    DISMISSED = "dismissed"  # There was nothing to do, and the report was made in good faith.
    FALSE = "false"  # The reporter knew better, or should have; their next reports weigh less.


class ReportDecision(Record):
    """The decision of an administrator about a report, with what the reporter reads of it."""

    at_ms: int
    by: str
    state: ReportState
    note: str = ""


class Report(Entity):
    """One account says once what is wrong with a release.

    `reporter` is the id of the account; empty after that was erased. `network` is where the report
    came from, until it is decided. `is_weighty` is whether the account was old enough.
    """

    kind: ClassVar[str] = "report"

    id: str
    org: str
    name: str
    version: str
    why: WithdrawalReason
    text: str
    reporter: str
    network: str = ""
    is_weighty: bool
    reported_ms: int
    decision: ReportDecision | None = None

    @property
    def place(self) -> Place:
        """All reports about a release have one owner."""
        return Place(report_owner(self.coordinate), self.id)

    @property
    def subject(self) -> str:
        """The reporter, so that their reports can be listed."""
        return self.reporter

    @property
    def ends_ms(self) -> int:
        since_ms = self.decision.at_ms if self.decision else self.reported_ms
        return since_ms + REPORTS_KEPT_FOR // MS

    @property
    def coordinate(self) -> Coordinate:
        return Coordinate.parse(self.org, self.name, self.version)

    @property
    def state(self) -> ReportState:
        return self.decision.state if self.decision else ReportState.WAITING

    def is_false_at(self, now_ms: int) -> bool:
        """Check whether it still lowers the weight of the reporter."""
        return self.state is ReportState.FALSE and now_ms < self.ends_ms

    def says(self, why: WithdrawalReason, text: str) -> bool:
        return (self.why, self.text) == (why, text)


class ReportedRelease(Entity):
    """A release with reports: the case that an administrator decides.

    Each new report replaces it, so of two reports at the same time the second one counts the first.
    `quarantined_ms` is when reports quarantined the release, and `reviewed_ms` when an
    administrator decided first: after either of them, reports no longer quarantine it.
    """

    kind: ClassVar[str] = "reported-release"

    org: str
    name: str
    version: str
    first_ms: int
    last_ms: int
    waiting: int  # Reports that wait for a decision.
    quarantined_ms: int | None = None
    reviewed_ms: int | None = None

    @property
    def place(self) -> Place:
        return Place(report_owner(self.coordinate), "case")

    @property
    def subject(self) -> str:
        return WAITING_RELEASES if self.waiting else ""

    @property
    def ends_ms(self) -> int:
        return max(self.last_ms, self.reviewed_ms or 0) + REPORTS_KEPT_FOR // MS

    @property
    def coordinate(self) -> Coordinate:
        return Coordinate.parse(self.org, self.name, self.version)


def report_owner(coordinate: Coordinate) -> str:
    """Return the owner of the directory's entities of the reports about a release."""
    return f"{package_owner(coordinate.package)}:{coordinate.version}"


def reports_prefix(org: OrgName) -> str:
    """Return how the owners of all reports about releases of an organization begin."""
    return f"{org.lower()}:"


def report_id(coordinate: Coordinate, account_id: str) -> str:
    """Return the id of the report of an account about a release, of which there is one: it does not
    say who the account is."""
    text = f"{coordinate.key}\n{account_id}"
    return sha256(text.encode()).hexdigest()[:REPORT_ID_LENGTH]


def report_network(address: str) -> str:
    """Return the network whose reports count as one: the /24 of an IPv4 address, or the /48 of an
    IPv6 address; empty for an address that is unknown or of this machine."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    mapped = parsed.ipv4_mapped if parsed.version == 6 else None  # noqa: PLR2004 - IPv6.
    parsed = mapped or parsed
    if parsed.is_loopback:
        return ""
    prefix = _IPV4_PREFIX if parsed.version == 4 else _IPV6_PREFIX  # noqa: PLR2004 - IPv4.
    return str(ip_network(f"{parsed}/{prefix}", strict=False))


def is_old_enough(account: Account, now_ms: int) -> bool:
    """Check whether a report of the account weighs anything."""
    return now_ms - account.created_ms >= YOUNG_FOR // MS


def weight_of(report: Report, account: Account | None, false_reports: int) -> float:
    """Return what a report is worth, by the account of its reporter and how many of their reports
    were false: the table of docs/run/reports.md."""
    if account is None or account.is_locked or not report.is_weighty:
        return 0.0
    if false_reports >= len(WEIGHT_AFTER_FALSE):
        return 0.0
    return WEIGHT_AFTER_FALSE[false_reports]


def total_weight(weighed: Iterable[tuple[Report, float]]) -> float:
    """Return what reports are worth together: of those from one network the greatest counts."""
    by_network = dict[str, float]()
    for report, weight in weighed:
        by_network[report.network] = max(weight, by_network.get(report.network, 0.0))
    return sum(by_network.values())


def main_reason(reports: Iterable[Report]) -> WithdrawalReason:
    """Return the reason that most reports have; of several the first in `REPORT_REASONS`."""
    counts = Counter(each.why for each in reports)
    return max(REPORT_REASONS, key=lambda why: counts[why])


def parse_report_reason(text: str) -> WithdrawalReason:
    """Return the reason, or raise `InvalidRequest` for one that a report cannot have."""
    found = next((each for each in REPORT_REASONS if each.value == text), None)
    if found is None:
        known = ", ".join(each.value for each in REPORT_REASONS)
        message = f"Choose what is wrong with the release, one of {known}."
        raise InvalidRequest(message)
    return found


def parse_report_text(text: str) -> str:
    """Return what the reporter saw, as one line, or raise `report-text-missing` or
    `InvalidRequest`."""
    line = parse_line("report", text, MAX_DESCRIPTION)
    if not line:
        raise Invalid(
            "report-text-missing",
            "Say what you saw and where, such as the file and what it does, so that somebody can "
            "check it.",
        )
    return line


def without_reporter(report: Report) -> Report:
    """Return the report without what identifies its reporter: their id, their network, their words,
    and what was answered to them. What was reported, and what became of it, stays."""
    decision = report.decision and report.decision.model_copy(update={"note": ""})
    update = {"reporter": "", "network": "", "text": "", "decision": decision}
    return report.model_copy(update=update)


def reports_not_found(coordinate: Coordinate) -> NotFound:
    return NotFound(
        "reports-not-found", f"No report about {coordinate} waits or was decided in the last year."
    )
