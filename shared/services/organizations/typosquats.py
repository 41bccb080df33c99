"""Typosquats: compares new names with popular ones, and tells administrators what waits for them.

The rule is in `shared/domain/typosquats.py`, and why it is so in decision 0154.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

from msgspec import Struct, field

from shared.domain.coordinates import Package
from shared.domain.errors.base import Unavailable
from shared.domain.memberships import Membership, member_place
from shared.domain.packages import Head
from shared.domain.principals import MAINTENANCE
from shared.domain.release_states import PackageHold
from shared.domain.releases import NAME_RESEMBLES
from shared.domain.scopes import Role
from shared.domain.search import ANYONE, Query, ResultPage, Sort
from shared.domain.times import MS
from shared.domain.typosquats import PopularNames
from shared.ports.directory import DirectoryStore
from shared.ports.search import SearchIndex
from shared.ports.system import Clock
from shared.ports.work import Counter, WorkStore
from shared.runtime.single_flight import SingleFlight
from shared.services.identity.accounts import administrator_accounts
from shared.services.mail_delivery import MailDelivery, mail_text

# Packages with the most pulls, and with the most dependents: this takes milliseconds for a new
# name.
MOST_COMPARED = 1_000
POPULAR_PULLS = 100  # Packages with fewer pulls are not popular enough to be imitated.
POPULAR_DEPENDENTS = 5
READ_EVERY = timedelta(hours=1)
MAILS_AN_HOUR = 10  # Mails to each administrator, each about another package.
_MAILED_FOR = timedelta(days=30)
_KIND = "typosquat-mail"
_HOUR_MS = timedelta(hours=1) // MS


class _Read(Struct):
    """The popular names, and when they were read last (monotonic)."""

    names: PopularNames = field(default_factory=PopularNames)
    at_ms: int | None = None


class Typosquats(Struct, frozen=True):
    """Compares new names with the popular names that search knows, of this registry and of its
    upstreams.

    Each process reads them once an hour, when somebody needs them. While search fails, the last
    ones count; a process without any finds nothing, because nobody should wait for search.
    """

    index: SearchIndex
    directory: DirectoryStore
    work: WorkStore
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str
    is_on: bool  # As the setting says.
    on_failure: Callable[[str], None]  # Called with why search did not say the popular names.
    _read: _Read = field(default_factory=_Read)
    _single_flight: SingleFlight[None] = field(default_factory=SingleFlight[None])

    async def organization_like(self, org: str, founder: str) -> str:
        """Return the popular organization that the name of a new one resembles; empty if there is
        none, or if the founder is an owner of it."""
        if not self.is_on:
            return ""
        names = await self._popular()
        for known, _ in await asyncio.to_thread(lambda: list(names.organizations_like(org))):
            membership = await self.directory.get(Membership, member_place(known, founder))
            role = membership.role_at(self.clock.now_ms()) if membership else None
            if role is not Role.OWNER:
                return known
        return ""

    async def hold_of(self, package: Package, resembled: str) -> PackageHold | None:
        """Return the hold of a new package, whose organization resembles the popular organization
        `resembled` unless that is empty; None if the package needs none."""
        if not self.is_on:
            return None
        if resembled:
            return self._hold(f"{package.org} resembles {resembled}", resembled)
        names = await self._popular()
        if known := names.package_like(package):
            return self._hold(f"{package} reads as {known}", str(known))
        return None

    def _hold(self, why: str, resembles: str) -> PackageHold:
        reason = f"{NAME_RESEMBLES}: {why}, which many use"
        now_ms = self.clock.now_ms()
        return PackageHold(reason=reason, by=MAINTENANCE.id, since_ms=now_ms, resembles=resembles)

    async def send_mail(self, head: Head) -> bool:
        """Tell administrators once of a new package that waits for them; some are told in an
        hour. Return False if the mail server refused the mail to one of them."""
        hold = head.hold
        if hold is None or not hold.resembles:
            return True
        now_ms = self.clock.now_ms()
        counter = Counter(_KIND, str(now_ms // _HOUR_MS), now_ms + _HOUR_MS)
        [count] = await self.work.count([counter], now_ms)
        if count > MAILS_AN_HOUR:
            return True
        return await self.mail_delivery.send_once_to_all(
            f"typosquat:{head.key}",
            await administrator_accounts(self.directory, now_ms),
            mail_text(
                "name-resembles",
                package=str(head.package),
                resembles=hold.resembles,
                page=f"{self.base_url}/manage/releases/{head.package}",
                most=str(MAILS_AN_HOUR),
            ),
            until_ms=now_ms + _MAILED_FOR // MS,
        )

    async def _popular(self) -> PopularNames:
        now_ms = self.clock.monotonic_ms()
        at_ms = self._read.at_ms
        if at_ms is None or now_ms - at_ms >= READ_EVERY // MS:
            await self._single_flight.answer("", self._read_again)
        return self._read.names

    async def _read_again(self) -> None:
        self._read.at_ms = self.clock.monotonic_ms()
        try:
            pulled, used = await asyncio.gather(self._most_pulled(), self._most_used())
        except Unavailable as failure:
            self.on_failure(failure.code)
            return
        self._read.names = PopularNames(dict.fromkeys((*pulled, *used)))

    async def _most_pulled(self) -> Sequence[Package]:
        heads = await self._first(Sort.PULLS)
        return [each.package for each in heads if each.pulls >= POPULAR_PULLS]

    async def _most_used(self) -> Sequence[Package]:
        """Return the packages with many dependents, which are counted for some ten of them: search
        has them in this order."""
        packages = [each.package for each in await self._first(Sort.DEPENDENTS)]
        low = 0
        high = len(packages)
        while low < high:
            middle = (low + high) // 2
            query = Query(depends_on=packages[middle].key, include_deprecated=True)
            found = await self.index.search(query, ResultPage(limit=0), ANYONE)
            if found.count >= POPULAR_DEPENDENTS:
                low = middle + 1
            else:
                high = middle
        return packages[:low]

    async def _first(self, sort: Sort) -> Sequence[Head]:
        query = Query(include_deprecated=True)
        page = ResultPage(limit=MOST_COMPARED, sort=sort)
        return [each.listing.head for each in (await self.index.search(query, page, ANYONE)).hits]
