"""The rules about what is published: what holds in an organization, and what each rule finds."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from enum import Enum
from typing import Protocol

from msgspec import Struct

from shared.domain.api_docs.records import ApiVerdict
from shared.domain.archives.bala import Bala
from shared.domain.errors.base import Unavailable
from shared.domain.organizations import Organization
from shared.domain.packages import Head, Release
from shared.domain.principals import Principal
from shared.domain.publishing_rules import (
    REGISTRY_RULES_OWNER,
    REGISTRY_RULES_PLACE,
    EffectiveRules,
    RegistryRules,
    RuleFinding,
    stricter,
)
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.runtime.cached_record import CachedRecord
from shared.runtime.editions import Edition, records_of
from shared.telemetry.log import log

RULES_READ_EVERY = timedelta(seconds=3)  # A change is in force everywhere within five.


class RegistryRuleReader:
    """Keeps the rules of the registry in memory, so that no push reads a store for them.

    A change is known everywhere after three seconds. Where the edition follows records it is known
    at once, and costs no read until then. While the store fails, what was read before holds.
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
    """One rule. Its module in `shared/domain/rules` has what it finds; this reads what that needs.

    A rule that does not hold reads nothing.
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
