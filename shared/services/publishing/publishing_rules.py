"""The rules about what is published: which hold in an organization, and what each of them reads and
finds in an archive or a stored release."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from enum import Enum
from typing import Protocol

from msgspec import Struct, field

from shared.auth.authorization import Authorization
from shared.domain.api_docs.records import ApiVerdict
from shared.domain.archives.bala import Bala
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Invalid, Unavailable
from shared.domain.organizations import Organization
from shared.domain.packages import Head, Release
from shared.domain.principals import Principal
from shared.domain.publishing_rules import (
    REGISTRY_RULES_OWNER,
    REGISTRY_RULES_PLACE,
    EffectiveRules,
    RegistryRules,
    RuleEffect,
    RuleFinding,
    VersionRule,
    named_rule,
    stricter,
)
from shared.domain.rules.license_rule import LicensedRelease, license_findings
from shared.domain.rules.quota_rule import Used, quota_finding
from shared.domain.rules.secret_rule import (
    SECRET_IN_ARCHIVE,
    searched_files,
    secret_findings,
    unread_finding,
)
from shared.domain.rules.version_rule import (
    API_NOT_COMPARED,
    VERSION_TOO_LOW,
    uncompared_finding,
    version_findings,
)
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.runtime.cached_record import CachedRecord
from shared.runtime.editions import Edition, records_of
from shared.runtime.lru_cache import LruCache
from shared.services.api_docs.version_checks import Compared, VersionChecks, VersionUnchecked
from shared.services.publishing.secret_scan import SecretScan, SecretsUnread
from shared.telemetry.log import log

RULES_READ_EVERY = timedelta(seconds=3)  # So that a change is in force everywhere within five.


class RegistryRuleReader:
    """Keeps the rules of the registry in memory, so that no push reads a store for them.

    They are read again after `RULES_READ_EVERY`; where the edition follows records, only once they
    changed. While the store fails, what was read before holds.
    """

    def __init__(self, directory: DirectoryStore, clock: Clock, edition: Edition) -> None:
        self._directory = directory
        self._rules = CachedRecord(
            self.stored,
            clock,
            RULES_READ_EVERY,
            edition=edition,
            records_of=(records_of(REGISTRY_RULES_OWNER),),
            on_failure=_log_failure,
        )

    async def current(self) -> RegistryRules:
        """Return the rules that hold now; raise `Unavailable` if none were read yet and the store
        fails."""
        return await self._rules.current()

    @property
    def known(self) -> RegistryRules | None:
        """The rules that hold now, if that is known without a read."""
        return self._rules.fresh

    async def stored(self) -> RegistryRules:
        """Return the rules as they are stored; before somebody changed them, with revision 0."""
        found = await self._directory.get(RegistryRules, REGISTRY_RULES_PLACE)
        return found or RegistryRules(revision=0)

    def invalidate(self) -> None:
        """Read the rules again at the next push, because this process changed them."""
        self._rules.invalidate()

    async def close(self) -> None:
        """Cancel a read that is under way."""
        await self._rules.close()


def _log_failure(failure: Unavailable) -> None:
    log.warning("rules.unread", reason=str(failure))


class Occasion(Enum):
    """Why the rules are asked."""

    PUSH = "push"
    DRY_RUN = "dry-run"  # Nothing is published, so it may take longer.
    MIRROR = "mirror"  # The release of an upstream, which no rule of an organization is about.


class RuledArchive(Struct, frozen=True):
    """An archive that the rules are asked about, before it is a release.

    The organization is None while it does not exist, and for packages of upstreams.
    """

    content: bytes | memoryview
    bala: Bala
    head: Head | None
    organization: Organization | None
    by: Principal
    occasion: Occasion


class RuledRelease(Struct, frozen=True):
    """A stored release that the rules are asked about, by a dry run of a change of the rules."""

    head: Head
    release: Release
    verdict: ApiVerdict | None


class PublishingRule(Protocol):
    """One rule: reads what it needs, and returns what it finds. A rule that does not hold reads
    nothing.

    How a longer rule decides is in its module of `shared/domain/rules`.
    """

    async def of_archive(
        self, archive: RuledArchive, rules: EffectiveRules
    ) -> Sequence[RuleFinding]:
        """Return what it finds in an archive. Raises no refusal but those of stores that fail."""
        ...

    def of_release(self, ruled: RuledRelease, rules: EffectiveRules) -> Sequence[RuleFinding]:
        """Return what it would have found in a stored release, by what is stored of it."""
        ...


class PublishingRules(Struct, frozen=True):
    """Joins the rules: those that hold in an organization, and what each of them finds."""

    reader: RegistryRuleReader
    rules: tuple[PublishingRule, ...]  # A push names their findings in this order.

    async def effective(self, organization: Organization | None, org: str) -> EffectiveRules:
        """Return what holds in the organization of this name, which may not exist yet."""
        of_registry = await self.reader.current()
        if organization is None:
            return stricter(of_registry, None, org)
        return stricter(of_registry, organization.rules, organization.name)

    async def findings(self, archive: RuledArchive) -> list[RuleFinding]:
        """Return what the rules find in an archive, in the order of the rules."""
        rules = await self.effective(archive.organization, archive.bala.org)
        asked = (rule.of_archive(archive, rules) for rule in self.rules)
        return [each for found in await asyncio.gather(*asked) for each in found]

    def findings_of_release(self, ruled: RuledRelease, rules: EffectiveRules) -> list[RuleFinding]:
        """Return what the rules would have found in a stored release."""
        return [each for rule in self.rules for each in rule.of_release(ruled, rules)]


# --- Each rule, in the order of a push ------------------------------------------------------------


class LicenseRule(Struct, frozen=True):
    """Compares the licenses of a manifest with those that are allowed and refused."""

    async def of_archive(
        self, archive: RuledArchive, rules: EffectiveRules
    ) -> Sequence[RuleFinding]:
        bala = archive.bala
        return list(license_findings(LicensedRelease(str(bala.coordinate), bala.licenses), rules))

    def of_release(self, ruled: RuledRelease, rules: EffectiveRules) -> Sequence[RuleFinding]:
        release = ruled.release
        is_mirrored = release.upstream is not None
        asked = LicensedRelease(str(release.coordinate), release.licenses, is_mirrored=is_mirrored)
        return list(license_findings(asked, rules))


class SecretRule(Struct, frozen=True):
    """Searches an archive for secrets."""

    scan: SecretScan

    async def of_archive(
        self, archive: RuledArchive, rules: EffectiveRules
    ) -> Sequence[RuleFinding]:
        """Return what is found; raise `Unavailable` if a push cannot be searched now."""
        bala = archive.bala
        coordinate = bala.coordinate
        files = searched_files(bala.suspects, coordinate.package, rules)
        is_push = archive.occasion is Occasion.PUSH
        search = self.scan.find if is_push else self.scan.find_on_demand
        try:
            found = await search(archive.content, coordinate, files)
        except SecretsUnread as reason:
            return [unread_finding(str(reason), coordinate, rules)]
        except Unavailable as failure:
            if is_push:
                raise
            return [
                RuleFinding(SECRET_IN_ARCHIVE, RuleEffect.NOTE, rules.secrets.whose, str(failure))
            ]
        return list(secret_findings(found, coordinate, rules))

    def of_release(self, ruled: RuledRelease, rules: EffectiveRules) -> Sequence[RuleFinding]:  # noqa: ARG002 - its archive would have to be read.
        """Return nothing: what its files have is shown on the page of the release."""
        return []


# How long a push waits for the comparison if the rule may hold or refuse it.
PUSH_WAITS = timedelta(seconds=5)

_BUSY = (
    "The API was not compared with that of the version before, because the registry is busy. Check "
    "the archive again in a minute."
)


class VersionNumberRule(Struct, frozen=True):
    """Finds releases that break callers and whose version does not say so.

    A push waits for the comparison only where the rules hold or refuse such releases. Where they
    warn, the comparison that is made of every release afterwards says the same.
    """

    authorization: Authorization
    version_checks: VersionChecks
    push_waits: timedelta = PUSH_WAITS

    async def of_archive(
        self, archive: RuledArchive, rules: EffectiveRules
    ) -> Sequence[RuleFinding]:
        rule = rules.version_rule
        head = archive.head
        if head is None or head.upstream or not _is_compared_at_once(archive, rule.value):
            return ()
        is_push = archive.occasion is Occasion.PUSH
        names_changes = await self.authorization.may_read(archive.by, head)
        if not is_push and not names_changes:
            return ()
        try:
            compared = await self._compared(archive, is_push=is_push)
        except VersionUnchecked:
            if is_push:
                return [uncompared_finding(rule, archive.bala.coordinate)]
            return [RuleFinding(API_NOT_COMPARED, RuleEffect.NOTE, rule.whose, _BUSY)]
        if compared.waits and rule.value is not VersionRule.WARN:
            return [uncompared_finding(rule, archive.bala.coordinate)]
        found = version_findings(
            compared.verdict, rule, compared.versions, names_changes=names_changes
        )
        return [each for each in found if not is_push or each.rule == VERSION_TOO_LOW]

    def of_release(self, ruled: RuledRelease, rules: EffectiveRules) -> Sequence[RuleFinding]:
        if ruled.release.upstream:
            return ()
        found = version_findings(ruled.verdict, rules.version_rule)
        return [each for each in found if each.rule == VERSION_TOO_LOW]

    async def _compared(self, archive: RuledArchive, *, is_push: bool) -> Compared:
        if is_push:
            return await self.version_checks.compare_within(
                archive.content, archive.bala, self.push_waits
            )
        return await self.version_checks.compare(archive.content, archive.bala)


def _is_compared_at_once(archive: RuledArchive, rule: VersionRule) -> bool:
    """Check whether an archive is compared at once: always in a dry run, and in a push where that
    may hold or refuse it. A pre-release may break anything."""
    match archive.occasion:
        case Occasion.PUSH:
            is_stable = archive.bala.coordinate.version.is_stable
            return is_stable and rule is not VersionRule.WARN
        case Occasion.DRY_RUN:
            return True
        case Occasion.MIRROR:
            return False


ORGANIZATIONS_REMEMBERED = 1_000  # Organizations with a limit and a push since their last count.


class _Pushed(Struct, frozen=True):
    """An archive that was admitted, and when."""

    size_bytes: int
    at_ms: int


class QuotaRule(Struct, frozen=True):
    """Refuses releases above the limits of an organization.

    Each process adds what it admitted since the last count, also what is published at the same
    time, so that one process never exceeds a limit. N of them exceed it, until the next count, by
    at most N - 1 times what was left at the last one. A write that decides would make pushes of an
    organization wait for each other, for a limit that is about money and not about safety.
    """

    clock: Clock
    _pushed: LruCache[str, dict[str, _Pushed]] = field(
        default_factory=lambda: LruCache[str, dict[str, _Pushed]](ORGANIZATIONS_REMEMBERED)
    )

    async def of_archive(
        self, archive: RuledArchive, rules: EffectiveRules
    ) -> Sequence[RuleFinding]:
        organization = archive.organization
        if organization is None or not (rules.max_bytes or rules.max_releases):
            return ()
        if archive.occasion is Occasion.MIRROR:
            return ()
        coordinate = archive.bala.coordinate
        since = self._since(organization)
        others = [each for key, each in since.items() if key != coordinate.key]
        counted = organization.usage
        used = Used(counted.bytes, counted.releases) if counted else Used()
        used += Used(sum(each.size_bytes for each in others), len(others))
        size_bytes = len(archive.content)
        found = quota_finding(rules, used, size_bytes, coordinate, organization.name)
        is_refused = found is not None and found.effect is RuleEffect.REFUSE
        if archive.occasion is Occasion.PUSH and not is_refused:
            # Before anything is awaited, so that of two at once the second counts the first.
            since[coordinate.key] = _Pushed(size_bytes, self.clock.now_ms())
            self._pushed.put(organization.key, since)
        return (found,) if found else ()

    def of_release(self, ruled: RuledRelease, rules: EffectiveRules) -> Sequence[RuleFinding]:  # noqa: ARG002 - what is there is counted, and stays.
        return ()

    def _since(self, organization: Organization) -> dict[str, _Pushed]:
        """Return the usage that this process admitted since the last count."""
        counted_ms = organization.usage.counted_ms if organization.usage else 0
        known = self._pushed.get(organization.key) or {}
        return {key: each for key, each in known.items() if each.at_ms >= counted_ms}


STAGED = "staged-release"
_APPROVALS = {1: "an owner or a maintainer approves it", 2: "two owners or maintainers approve it"}


class StagedReleaseRule(Struct, frozen=True):
    """Holds every push until people approve it, whoever pushes, where the rules say so."""

    async def of_archive(
        self, archive: RuledArchive, rules: EffectiveRules
    ) -> Sequence[RuleFinding]:
        return () if archive.occasion is Occasion.MIRROR else _staged_findings(rules)

    def of_release(self, ruled: RuledRelease, rules: EffectiveRules) -> Sequence[RuleFinding]:
        return () if ruled.release.upstream else _staged_findings(rules)


def _staged_findings(rules: EffectiveRules) -> list[RuleFinding]:
    if not rules.staged.value:
        return []
    whose = rules.staged.whose
    approved = _APPROVALS[rules.approvals.value]
    sentence = f"{named_rule(whose)} hold every release until {approved}."
    return [RuleFinding(STAGED, RuleEffect.HOLD, whose, sentence[:1].upper() + sentence[1:])]


class DependencyCheck(Struct, frozen=True):
    """Checks that direct dependencies exist, where the operator requires it.

    By default nothing is checked: most registries start without the standard library.
    """

    authorization: Authorization
    metadata: MetadataStore
    require_dependencies: bool

    async def check(self, bala: Bala, by: Principal) -> None:
        """Raise `missing-dependencies` when the check is on and a direct dependency is missing."""
        if not self.require_dependencies:
            return
        wanted = [
            Coordinate.parse(each.org, each.name, each.version) for each in bala.needed_packages
        ]
        found = await asyncio.gather(*map(self.metadata.find, wanted))
        dependencies = list(zip(wanted, found, strict=True))
        heads = [(coordinate.package, here.head) for coordinate, here in dependencies]
        readable = await self.authorization.readable(by, heads)
        missing = tuple(
            coordinate
            for coordinate, here in dependencies
            if here.release is None or coordinate.package.key not in readable
        )
        if missing:
            # Pipelines of the shell read the packages from this sentence.
            raise Invalid(
                "missing-dependencies",
                f"{bala.coordinate} depends on packages that are not in this registry: "
                f"{', '.join(map(str, missing))}. Push them first, or correct Dependencies.toml.",
            )
