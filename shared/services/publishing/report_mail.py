"""Mail about reports: to administrators about reported releases, bounded, and to reporters about
what was decided."""

from collections.abc import Mapping
from datetime import timedelta

from msgspec import Struct

from shared.domain.coordinates import Coordinate
from shared.domain.queued_mail import Audience, Recipients
from shared.domain.reports import Report, ReportedRelease, ReportState, main_reason, report_owner
from shared.domain.times import MS
from shared.domain.withdrawal_reasons import WITHDRAWAL_TITLES
from shared.ports.system import Clock
from shared.ports.work import Counter, WorkStore
from shared.services.identity.accounts import administrator_accounts
from shared.services.mail_delivery import MailDelivery, mail_text
from shared.services.report_records import ReportRecords

REPORTED_MAILS_AN_HOUR = 10  # Mails to each administrator, each about another release.
_KEPT_FOR = timedelta(days=7)  # No second mail about a release is sent within this time.
_KIND = "report-mail"
# How long a mail that the hourly limit left out stays left out, so that no task sends it later.
_LEFT_OUT_FOR = timedelta(days=1)
_HOUR_MS = timedelta(hours=1) // MS

# What became of a report, as a sentence for its reporter.
OUTCOMES: Mapping[ReportState, str] = {
    ReportState.WAITING: "It waits for an administrator.",
    ReportState.CONFIRMED: "An administrator confirmed it, and the release was withheld.",
    ReportState.DISMISSED: "An administrator looked into it and found nothing to do. Your next "
    "reports count as before.",
    ReportState.FALSE: "An administrator found that it is false. For a year your reports weigh "
    "less.",
}


class ReportMail(Struct, frozen=True):
    """Sends mail about reports. The record is stored before, and stays if the mail fails."""

    report_records: ReportRecords
    mail_delivery: MailDelivery
    work: WorkStore
    clock: Clock
    base_url: str

    async def send_reported(self, case: ReportedRelease, *, is_quarantined: bool) -> None:
        """Tell administrators about a reported release, once in seven days, and once more if
        reports quarantined it.

        Only releases that reports did not quarantine count against `REPORTED_MAILS_AN_HOUR`: of the
        others only a few wait at a time.
        """
        now_ms = self.clock.now_ms()
        key = _key(case, is_quarantined=is_quarantined)
        if await self.work.peek(_KIND, key, now_ms) is not None:
            return
        if not is_quarantined and not await self._has_room(now_ms):
            await self.work.put(_KIND, _left_out(key), "left out", now_ms + _LEFT_OUT_FOR // MS)
            return
        reports = await self.report_records.about(case.coordinate)
        waiting = [each for each in reports if each.decision is None]
        if not waiting:
            return
        until_ms = now_ms + _KEPT_FOR // MS
        await self.mail_delivery.send_once(
            key,
            await administrator_accounts(self.report_records.directory, now_ms),
            mail_text(
                "release-reported",
                release=str(case.coordinate),
                why=WITHDRAWAL_TITLES[main_reason(waiting)][0],
                count="one account" if len(waiting) == 1 else f"{len(waiting):,} accounts",
                state=(
                    "These reports weigh enough, so it is quarantined until you decide."
                    if is_quarantined
                    else "Nothing was changed."
                ),
                page=f"{self.base_url}{case_path(case.coordinate)}",
                queue=f"{self.base_url}/manage/reports",
                most=str(REPORTED_MAILS_AN_HOUR),
            ),
            until_ms=until_ms,
        )
        await self.work.put(_KIND, key, "sent", until_ms)

    async def send_missed(self, case: ReportedRelease, *, is_quarantined: bool) -> bool:
        """Do what `send_reported` does, if a process ended before it did that; return whether this
        was so.

        A mail that was sent, or that the limit of an hour left out, is not sent again.
        """
        now_ms = self.clock.now_ms()
        key = _key(case, is_quarantined=is_quarantined)
        for each in (key, _left_out(key)):
            if await self.work.peek(_KIND, each, now_ms) is not None:
                return False
        await self.send_reported(case, is_quarantined=is_quarantined)
        return True

    async def _has_room(self, now_ms: int) -> bool:
        """Count one more mail of this hour, and check that it is not too many."""
        counter = Counter(_KIND, str(now_ms // _HOUR_MS), now_ms + _HOUR_MS)
        [count] = await self.work.count([counter], now_ms)
        return count <= REPORTED_MAILS_AN_HOUR

    async def send_decided(self, report: Report) -> None:
        """Tell the reporter what was decided."""
        decision = report.decision
        if decision is None or not report.reporter:
            return
        mail = mail_text(
            "report-decided",
            release=str(report.coordinate),
            outcome=OUTCOMES[decision.state],
            reason=f"Reason: {decision.note}\n\n" if decision.note else "",
            page=f"{self.base_url}/account/reports",
        )
        reporter = Recipients(audience=Audience.ACCOUNTS, accounts=(report.reporter,))
        await self.mail_delivery.send_to(reporter, mail)


def _key(case: ReportedRelease, *, is_quarantined: bool) -> str:
    """Return the key under which it is stored that the mail about a release was sent."""
    what = "quarantined" if is_quarantined else "waiting"
    return f"report:{what}:{report_owner(case.coordinate)}"


def _left_out(key: str) -> str:
    """Return the key under which it is stored that the mail was left out."""
    return f"left-out:{key}"


def case_path(coordinate: Coordinate) -> str:
    """Return the path of the page where administrators decide on reports about a release."""
    return f"/manage/reports/{coordinate.package}/{coordinate.version}"
