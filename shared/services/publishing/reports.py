"""Reports about releases: people make them, administrators decide on them, and where the operator
allows it, enough of them quarantine a release until an administrator does."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.authorization import Authorization
from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.access_rights import require_own_account
from shared.domain.coordinates import Coordinate
from shared.domain.entities import Place
from shared.domain.errors.base import Conflict, InvalidRequest, about_field, printable
from shared.domain.errors.packages import ReleaseNotFound
from shared.domain.names import OrgName
from shared.domain.packages import Release
from shared.domain.principals import OPERATOR_ID, Principal
from shared.domain.reasons import parse_reason
from shared.domain.release_states import State
from shared.domain.releases import parse_decision_reason
from shared.domain.reports import (
    MAX_REPORTS,
    MAX_WEIGHTLESS_REPORTS,
    Report,
    ReportDecision,
    ReportedRelease,
    ReportState,
    is_old_enough,
    main_reason,
    parse_report_reason,
    parse_report_text,
    report_id,
    report_network,
    reports_not_found,
    reports_prefix,
)
from shared.domain.scopes import Action
from shared.domain.tasks import TaskReport
from shared.domain.times import DAY_MS, MS
from shared.domain.withdrawal_reasons import PublicReason, WithdrawalReason
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale, retried_with_back_off
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.identity.accounts import account_names, account_of_caller
from shared.services.list_pages import entity_page
from shared.services.packages.hosted_packages import HostedPackages
from shared.services.publishing.moderation import Moderation
from shared.services.publishing.report_mail import ReportMail
from shared.services.publishing.report_weights import (
    ReportWeights,
    WeighedReport,
    is_quarantined_by_reports,
    weight_together,
)
from shared.services.report_records import ReportRecords

RELEASES_ON_A_PAGE = 50  # Releases on a page of the queue; the reports of each release are read.
REPORTS_ON_A_PAGE = 100  # Reports on the page of one release, and on a page of an organization.

# For a day after the last report, a run completes what a process left undone after storing a
# report; later an administrator reviews the release.
COMPLETED_FOR = timedelta(days=1)

_HARMLESS = {ReportState.DISMISSED, ReportState.FALSE}


class ReportedCase(Struct, frozen=True):
    """A release with its reports, those that wait and weigh most first; `names` are those of
    accounts by id. The release is None if it is not there any more."""

    case: ReportedRelease
    release: Release | None
    reports: tuple[WeighedReport, ...]
    names: Mapping[str, str]
    threshold: int

    @property
    def waiting(self) -> tuple[WeighedReport, ...]:
        return tuple(each for each in self.reports if each.report.decision is None)

    @property
    def weight(self) -> float:
        """What the reports that wait are worth together."""
        return weight_together(self.waiting)

    @property
    def is_quarantined_by_reports(self) -> bool:
        return is_quarantined_by_reports(self.release)

    @property
    def main_reason(self) -> WithdrawalReason:
        return main_reason(each.report for each in self.waiting or self.reports)


class ReportQueue(Struct, frozen=True):
    """The releases whose reports wait: what reports quarantined first, then those with the greatest
    weight, then the oldest. `count` counts also those that are not shown."""

    cases: tuple[ReportedCase, ...]
    count: int


class OwnReport(Struct, frozen=True):
    """A report as an owner of the package sees it: without the reporter, and with the day but not
    the time."""

    release: str
    why: WithdrawalReason
    text: str
    state: ReportState
    day_ms: int


class OwnReportPage(Struct, frozen=True):
    """Reports about releases of an organization; `next` is where the list goes on."""

    reports: tuple[OwnReport, ...]
    next: str


class Verdict(Struct, frozen=True):
    """What an administrator decides about reports: all that wait about a release, or those with
    `ids`. The owners read the `reason` of a confirmed report, and the reporters that of the others.
    Everybody reads `public`; if it is None, the reason that most reports give takes its place."""

    state: ReportState
    reason: str = ""
    public: PublicReason | None = None
    ids: tuple[str, ...] = ()


class Reports(Struct, frozen=True):
    """Takes, shows and decides reports about releases.

    Whoever may not see a package cannot report it: it is refused as a missing one. Administrators
    see who reported, a reporter their own reports, and owners what was reported.
    """

    directory: DirectoryStore
    metadata: MetadataStore
    hosted: HostedPackages
    authorization: Authorization
    registry_authorization: RegistryAuthorization
    moderation: Moderation
    report_records: ReportRecords
    weights: ReportWeights
    audited_writer: AuditedWriter
    clock: Clock
    mail: ReportMail

    # --- Reporters ------------------------------------------------------------------------------

    async def make(self, coordinate: Coordinate, why: str, text: str, *, by: Principal) -> Report:
        """Report a live release; a repeat with the same words returns the report.

        Raises as a read of the release does, `reported-already` and `reports-full`.
        """
        require_own_account(by, "report", str(coordinate))
        with about_field("why"):
            reason = parse_report_reason(why)
        with about_field("text"):
            note = parse_report_text(text)
        account = None if by.is_operator else await account_of_caller(self.directory, by)
        # Looked up first: the release may be quarantined since, by this very report.
        known = await self.own_of(coordinate, by=by)
        if known is not None and known.says(reason, note):
            await self._follow(known.coordinate)
            return known
        at = await self._visible(coordinate, by)
        now_ms = self.clock.now_ms()
        report = Report(
            id=report_id(at, by.id),
            org=at.package.org,
            name=at.package.name,
            version=at.version.text,
            why=reason,
            text=note,
            reporter=by.id,
            network=report_network(by.address),
            is_weighty=account is not None and is_old_enough(account, now_ms),
            reported_ms=now_ms,
        )
        stored = await self._add(report, by)
        await self._follow(at)
        return stored

    async def reportable(self, coordinate: Coordinate, *, by: Principal) -> Coordinate:
        """Return a live release in its own spelling, or that of a release that `by` reported;
        raises as `make` does."""
        require_own_account(by, "report", str(coordinate))
        known = await self.own_of(coordinate, by=by)
        return known.coordinate if known else await self._visible(coordinate, by)

    async def _visible(self, coordinate: Coordinate, by: Principal) -> Coordinate:
        visible = await self.hosted.visible_release(coordinate.package, coordinate.version, by=by)
        return visible.survey.head.package.at(visible.entry.parsed)

    async def own(self, *, by: Principal) -> list[Report]:
        """Return the reports of `by`, the latest first."""
        require_own_account(by, "list", "reports")
        return await self.report_records.of_account(by.id)

    async def own_of(self, coordinate: Coordinate, *, by: Principal) -> Report | None:
        """Return the report of `by` about a release, or None."""
        require_own_account(by, "see", f"reports about {coordinate}")
        return await self.report_records.find(coordinate, by.id)

    @retried_with_back_off
    async def _add(self, report: Report, by: Principal) -> Report:
        known = await self.directory.get(Report, report.place)
        if known is not None:
            if known.says(report.why, report.text):
                return known
            raise Conflict(
                "reported-already",
                f"You reported {report.coordinate} already, and that report is "
                f"{known.state.value}. An account reports a release once.",
            )
        case = await self.report_records.case(report.coordinate)
        if case is not None:
            _require_below_maximum(case, report)
        change = EntityChange(
            "report.made",
            str(report.coordinate),
            account="" if by.is_operator else report.reporter,
            details={"why": report.why.value},
        )
        if case is None:
            new = ReportedRelease(
                org=report.org,
                name=report.name,
                version=report.version,
                first_ms=report.reported_ms,
                last_ms=report.reported_ms,
                waiting=1,
            )
            return await self.audited_writer.add(report, new, change=change, by=by)
        more = {"last_ms": report.reported_ms, "waiting": case.waiting + 1}
        counted = case.model_copy(update=more)
        return await self.audited_writer.add_replacing(report, counted, change=change, by=by)

    async def _follow(self, coordinate: Coordinate) -> None:
        """Quarantine the release if its reports weigh enough, and tell administrators; a repeat of
        the report does what a crash left."""
        case = await self.report_records.case(coordinate)
        if case is not None and case.waiting:
            is_quarantined = await self.weights.quarantine_if_enough(case)
            await self.mail.send_reported(case, is_quarantined=is_quarantined)

    async def complete(self, until_ms: int) -> TaskReport:
        """Complete the reports whose process ended after it stored them. Stop at `until_ms`; the
        next run completes the rest. A repeat changes nothing, and sends no mail again."""
        now_ms = self.clock.now_ms()
        since_ms = now_ms - COMPLETED_FOR // MS
        waiting = await self.report_records.waiting_cases()
        lately = [each for each in waiting if each.last_ms >= since_ms]
        told = 0
        for each in lately:
            if self.clock.now_ms() >= until_ms:
                return TaskReport(len(lately), told, unfinished=True)
            is_quarantined = await self.weights.quarantine_if_enough(each)
            told += await self.mail.send_missed(each, is_quarantined=is_quarantined)
        return TaskReport(len(lately), told)

    # --- Administrators -------------------------------------------------------------------------

    async def queue(self, *, by: Principal) -> ReportQueue:
        """Return the releases whose reports wait for a decision."""
        await self.registry_authorization.require_reviewer(by, "read", "reports")
        found = await self.report_records.waiting_cases()
        first = sorted(found, key=lambda each: (not each.quarantined_ms, each.first_ms))
        cases = [await self._details(each) for each in first[:RELEASES_ON_A_PAGE]]
        ordered = sorted(
            cases,
            key=lambda each: (
                not each.is_quarantined_by_reports,
                -each.weight,
                each.case.first_ms,
            ),
        )
        return ReportQueue(tuple(ordered), len(found))

    async def show(self, coordinate: Coordinate, *, by: Principal) -> ReportedCase:
        """Return a release with its reports, also decided ones; raise `reports-not-found`."""
        await self.registry_authorization.require_reviewer(
            by, "read reports about", coordinate, coordinate.package
        )
        return await self._details(await self.report_records.known_case(coordinate))

    async def decide(
        self, coordinate: Coordinate, verdict: Verdict, *, by: Principal
    ) -> ReportedCase:
        """Decide on reports about a release: confirmed ones quarantine it, and without any that
        wait or are confirmed a release that reports quarantined is served again.

        A repeat does what a crash left, and another verdict about the same reports replaces the
        earlier one. Raises `reports-not-found`.
        """
        if verdict.state is ReportState.WAITING:
            message = "Choose a decision: confirmed, dismissed or false."
            with about_field("outcome"):
                raise InvalidRequest(message)
        await self.registry_authorization.require_moderator(
            by, "decide on reports about", coordinate, coordinate.package
        )
        reason = _reason_of(verdict, coordinate)
        case = await self.report_records.known_case(coordinate)
        reports = await self.report_records.about(case.coordinate)
        chosen = _chosen(reports, verdict.ids, case.coordinate)
        if verdict.state is ReportState.CONFIRMED:
            await self._withhold(case.coordinate, reason, verdict.public, chosen, by)
        else:
            ids = {each.id for each in chosen}
            others = [each for each in reports if each.id not in ids]
            if all(each.state in _HARMLESS for each in others):
                await self._restore(case.coordinate, by)
        # What a confirmed report says to the owners is not for the reporter.
        note = "" if verdict.state is ReportState.CONFIRMED else reason
        # One time for all of them, by which another verdict recognizes them as one decision.
        now_ms = self.clock.now_ms()
        decision = ReportDecision(at_ms=now_ms, by=by.id, state=verdict.state, note=note)
        for each in chosen:
            await self._close(each.place, decision, by)
        await self._review(case.coordinate)
        return await self._details(await self.report_records.known_case(case.coordinate))

    async def _withhold(
        self,
        coordinate: Coordinate,
        reason: str,
        public: PublicReason | None,
        chosen: Sequence[Report],
        by: Principal,
    ) -> None:
        """Quarantine the release, unless it was removed already."""
        found = await self.metadata.find(coordinate)
        if found.release is None:
            raise ReleaseNotFound(coordinate.package, coordinate.version)
        if found.release.state is State.REMOVED:
            return
        told = public or PublicReason(why=main_reason(chosen))
        await self.moderation.quarantine(coordinate, reason, told, by=by)

    async def _restore(self, coordinate: Coordinate, by: Principal) -> None:
        """Serve the release again, if reports quarantined it."""
        found = await self.metadata.find(coordinate)
        if is_quarantined_by_reports(found.release):
            await self.moderation.restore(coordinate, by=by)

    async def _close(self, place: Place, decision: ReportDecision, by: Principal) -> None:
        closed = await self._store_decision(place, decision, by)
        if closed is not None:
            await self.mail.send_decided(closed)

    @retried_when_stale
    async def _store_decision(
        self, place: Place, decision: ReportDecision, by: Principal
    ) -> Report | None:
        """Store the decision; return the report if that changed it."""
        report = await self.directory.get(Report, place)
        if report is None:
            return None
        before = report.decision
        if before is not None and (before.state, before.note) == (decision.state, decision.note):
            return None
        # The words of the decision are not stored if the reporter's account was erased.
        kept = decision.note if report.reporter else ""
        change = EntityChange(
            "report.decided",
            str(report.coordinate),
            account="" if report.reporter == OPERATOR_ID else report.reporter,
            details={"outcome": decision.state.value, "reason": kept},
        )
        # The network of the reporter is no longer needed.
        stored = decision.model_copy(update={"note": kept})
        decided = report.model_copy(update={"decision": stored, "network": ""})
        return await self.audited_writer.replace(decided, change=change, by=_unlocated(by))

    @retried_when_stale
    async def _review(self, coordinate: Coordinate) -> None:
        """Store that an administrator decided, and how many reports still wait; a report that is
        added meanwhile is counted."""
        case = await self.report_records.known_case(coordinate)
        reports = await self.report_records.about(coordinate)
        waiting = sum(each.decision is None for each in reports)
        now_ms = self.clock.now_ms()
        reviewed = {"waiting": waiting, "reviewed_ms": case.reviewed_ms or now_ms}
        changed = case.model_copy(update=reviewed)
        if changed != case:
            await self.directory.replace(changed)

    async def _details(self, case: ReportedRelease) -> ReportedCase:
        coordinate = case.coordinate
        found, reports = await asyncio.gather(
            self.metadata.find(coordinate), self.report_records.about(coordinate)
        )
        weighed = await self.weights.weighed(reports)
        shown = sorted(
            weighed,
            key=lambda each: (
                each.report.decision is not None,
                -each.weight,
                each.report.reported_ms,
            ),
        )[:REPORTS_ON_A_PAGE]
        people = {each.report.reporter for each in shown}
        deciders = {each.report.decision.by for each in shown if each.report.decision}
        names = await account_names(self.directory, sorted(people | deciders))
        return ReportedCase(case, found.release, tuple(shown), names, self.weights.threshold)

    # --- Owners ---------------------------------------------------------------------------------

    async def of_organization(
        self, org: OrgName, after: str = "", *, by: Principal
    ) -> OwnReportPage:
        """Return reports about releases of an organization to those who manage it, in the order of
        packages and versions, without who made them; `after` is the `next` of a page. Raises
        `InvalidRequest` if it is not.

        An owner knows the ids of members, and could tell by the id of a report which of them made
        it. So `next` has the number of reports of the last release that were listed, and those of a
        release have the order of what they say.
        """
        await self.authorization.require_to_read(by, Action.MANAGE, org)
        prefix = reports_prefix(org)
        release, listed = _listed_before(after, prefix)
        left = list[Report]()
        if release:
            reports = await self.directory.list_by_owner(Report, release)
            left = sorted(reports, key=lambda each: each.id)[listed:]
        place = Place(release or prefix, _AFTER_EVERY_ID)
        page = await entity_page(self.directory, Report, place, REPORTS_ON_A_PAGE)
        every = [*left, *page.entities]
        found = every[:REPORTS_ON_A_PAGE]
        own = [each for each in found if each.place.owner.startswith(prefix)]
        is_more = len(own) == len(found) and (page.is_more or len(every) > len(found))
        shown = sorted(own, key=_order_for_owners)
        next_ = ""
        if is_more:
            last = own[-1].place.owner
            count = sum(each.place.owner == last for each in own)
            next_ = f"{last} {count + (listed if last == release else 0)}"
        return OwnReportPage(tuple(map(_as_owners_see_it, shown)), next_)


_AFTER_EVERY_ID = "~"  # Ids are hexadecimal.
_LONGEST_COUNT = 6  # Digits; an id of a report has 20, which may all be decimal.


def _listed_before(after: str, prefix: str) -> tuple[str, int]:
    """Return the release in which a page goes on, and how many of its reports were listed; raise
    `InvalidRequest`."""
    if not after:
        return "", 0
    release, _, count = after.partition(" ")
    is_count = count.isascii() and count.isdecimal() and len(count) <= _LONGEST_COUNT
    if not (release.startswith(prefix) and is_count):
        raise _invalid_after(after)
    return release, int(count)


def _order_for_owners(report: Report) -> tuple[str, int, str, str]:
    return report.place.owner, report.reported_ms // DAY_MS, report.why.value, report.text


def _invalid_after(text: str) -> InvalidRequest:
    return InvalidRequest(
        f"The parameter after is not that of a page of reports: {printable(text)!r}. Leave it out "
        "to begin with the first report."
    )


def _require_below_maximum(case: ReportedRelease, report: Report) -> None:
    """Raise `reports-full` if enough reports wait: those that weigh nothing keep no others out."""
    most = MAX_REPORTS if report.is_weighty else MAX_WEIGHTLESS_REPORTS
    if case.waiting >= most:
        raise Conflict(
            "reports-full",
            f"{case.waiting:,} reports about {report.coordinate} wait for an administrator "
            "already. One more changes nothing.",
        )


def _reason_of(verdict: Verdict, coordinate: Coordinate) -> str:
    """Return the reason of a verdict; nobody needs one for reports that changed nothing."""
    if verdict.state is ReportState.DISMISSED:
        with about_field("reason"):
            return parse_reason(verdict.reason)
    return parse_decision_reason(verdict.reason, f"the reports about {coordinate}")


def _chosen(
    reports: Sequence[Report], ids: Sequence[str], coordinate: Coordinate
) -> Sequence[Report]:
    if not ids:
        waiting = [each for each in reports if each.decision is None]
        # A repeat, or another verdict after all were decided, is about the latest decision.
        chosen = waiting or _decided_last(reports)
        if not chosen:
            raise reports_not_found(coordinate)
        return chosen
    known = {each.id: each for each in reports}
    unknown = [each for each in ids if each not in known]
    if unknown:
        message = f"There is no report {unknown[0][:40]!r} about {coordinate}. Reload the page."
        with about_field("reports"):
            raise InvalidRequest(message)
    return [known[each] for each in dict.fromkeys(ids)]


def _decided_last(reports: Sequence[Report]) -> Sequence[Report]:
    latest_ms = max((each.decision.at_ms for each in reports if each.decision), default=0)
    return [each for each in reports if each.decision and each.decision.at_ms == latest_ms]


def _as_owners_see_it(report: Report) -> OwnReport:
    day_ms = report.reported_ms // DAY_MS * DAY_MS
    return OwnReport(str(report.coordinate), report.why, report.text, report.state, day_ms)


def _unlocated(by: Principal) -> Principal:
    """Return who decides, without their address and credential: the reporter reads the event."""
    return replace(by, address="", credential="")
