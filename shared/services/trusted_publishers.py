"""Trusted publishers: who may publish a package without a stored secret, as its owners decide."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from shared.auth.authorization import Authorization
from shared.auth.base62 import random_text
from shared.domain.entity import Place
from shared.domain.errors import (
    InvalidRequest,
    NotPermitted,
    OrganizationNotFound,
    PackageNotFound,
    PublisherExists,
    PublisherNotFound,
    PublishersAlone,
)
from shared.domain.identity import Principal
from shared.domain.names import OrgName, Package
from shared.domain.organizations import Organization, place_of
from shared.domain.package import Head, Pushers
from shared.domain.publishers import Publisher, Rules, parse_ids, parse_label
from shared.domain.release import changed
from shared.domain.rights import Action
from shared.domain.workloads import SERVERS, Provider
from shared.ports import Clock, DirectoryStore, MetadataStore, Randomness
from shared.services.changing import until_fresh
from shared.services.deriving import Deriving
from shared.services.recording import Change, Recording

PENDING_FOR = timedelta(days=30)  # Who plans a package makes it within a month, or plans anew.
ID_LENGTH = 10  # Base62, like the ids of tokens.
MAX_PUBLISHERS = 1_000  # Of one organization: several for each of its packages.

_PENDING_FOR_MS = PENDING_FOR // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class PublisherRequest:
    """A trusted publisher as its owner describes it."""

    package: Package
    provider: Provider
    ids: Mapping[str, str]
    server: str = ""
    repository: str = ""
    rules: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True)
class TrustedPublishers:
    """Keeps the trusted publishers of packages; adding and removing takes a fresh sign-in."""

    authorization: Authorization
    directory: DirectoryStore
    recording: Recording
    metadata: MetadataStore
    deriving: Deriving
    clock: Clock
    randomness: Randomness
    servers: Mapping[Provider, frozenset[str]]

    async def of(self, org: OrgName, *, by: Principal) -> list[Publisher]:
        """Return the publishers of the organization that still count; its owners may ask."""
        await self.authorization.require(by, Action.MANAGE, org)
        await self._check_existing(org)
        return await self._all(org)

    async def add(self, wanted: PublisherRequest, *, by: Principal) -> Publisher:
        """Let a workload publish a package; where there is none yet, its first push makes it.

        Raises `InvalidRequest` for rules that keep nobody out, and `PublisherExists`.
        """
        package = wanted.package
        await self.authorization.require(by, Action.GOVERN, package)
        await self._check_existing(package.org)
        head = await self.metadata.head(package)
        publisher = self._new(wanted, head, by)
        await self._check_room(publisher)
        details = {
            "publisher": publisher.id,
            **publisher.ids,
            **_described(publisher),
        }
        change = Change("publisher.added", str(package), org=publisher.org, details=details)
        return await self.recording.add(publisher, change=change, by=by)

    async def remove(self, org: OrgName, publisher_id: str, *, by: Principal) -> None:
        """Take a publisher away; tokens that it got before are good for minutes at most."""
        await self.authorization.require(by, Action.GOVERN, org)

        async def attempt() -> None:
            publisher = await self._get(org, publisher_id)
            if publisher is None:
                raise PublisherNotFound(publisher_id)
            details = {"publisher": publisher.id, **_described(publisher)}
            subject = str(publisher.target)
            change = Change("publisher.removed", subject, org=publisher.org, details=details)
            await self.recording.remove(publisher, change=change, by=by)

        await until_fresh(attempt)

    async def restrict(self, package: Package, pushers: Pushers, *, by: Principal) -> Head:
        """Say who pushes to the package: members with tokens too, or trusted publishers alone."""
        await self.authorization.require(by, Action.GOVERN, package)
        if pushers is Pushers.PUBLISHERS:
            await self._check_published(package)

        async def attempt() -> Head:
            head = await self.metadata.head(package)
            if head is None:
                raise PackageNotFound(package)
            if head.pushers is pushers:
                return head
            kind, now_ms = "package.pushers-changed", self.clock.now_ms()
            marked = changed(head, kind, by=by, now_ms=now_ms, pushers=pushers)
            return await self.metadata.replace_head(marked)

        head = await until_fresh(attempt)
        await self.deriving.changed(head)
        return head

    async def bind(self, head: Head, *, by: Principal) -> None:
        """Keep the publisher whose push makes the package.

        Called before the release is there: a push that is repeated finds it done or does it. One
        read for a job whose token made the package, and none for anybody else.
        """
        ids = by.provenance.publishers if by.provenance else ()
        makers = frozenset(ids) & frozenset(head.made_by)
        if makers:
            await until_fresh(lambda: self._bind(head.package, makers, by))

    async def _bind(self, package: Package, makers: frozenset[str], by: Principal) -> None:
        for publisher in await self.directory.of(Publisher, package.org.lower()):
            if publisher.id in makers and publisher.waits_for(package):
                fields = {"pending_until_ms": None, "package": package.name}
                bound = publisher.model_copy(update=fields)
                details = {"publisher": publisher.id}
                change = Change("publisher.bound", str(package), org=package.org, details=details)
                await self.recording.replace(bound, change=change, by=by)

    def _new(self, wanted: PublisherRequest, head: Head | None, by: Principal) -> Publisher:
        package = head.package if head else wanted.package
        now_ms = self.clock.now_ms()
        return Publisher(
            id=random_text(self.randomness, ID_LENGTH),
            org=package.org,
            package=package.name,
            provider=wanted.provider,
            server=self._server(wanted),
            ids=parse_ids(wanted.provider, wanted.ids),
            repository=parse_label(wanted.repository),
            rules=Rules.parse(wanted.provider, wanted.rules),
            created_ms=now_ms,
            by=by.id,
            pending_until_ms=None if head else now_ms + _PENDING_FOR_MS,
        )

    def _server(self, wanted: PublisherRequest) -> str:
        server = (wanted.server or SERVERS[wanted.provider]).rstrip("/")
        known = self.servers.get(wanted.provider, frozenset())
        if server not in known:
            there = " and ".join(sorted(known)) or "none"
            message = (
                f"This registry takes no jobs of {wanted.provider.title} from {server[:80]!r}; of "
                f"its servers it knows {there}. Ask the operator to add yours."
            )
            raise InvalidRequest(message)
        return server

    async def _check_room(self, wanted: Publisher) -> None:
        there = await self._all(OrgName(wanted.org))
        for each in there:
            if _same(each) == _same(wanted):
                raise PublisherExists(each.target, each.id)
        if len(there) >= MAX_PUBLISHERS:
            reason = f"{wanted.org} has {MAX_PUBLISHERS} publishers; remove some first"
            raise NotPermitted("add", "another trusted publisher", reason)

    async def _check_published(self, package: Package) -> None:
        """Raise where nobody could push to the package any more."""
        publishers = await self._all(package.org)
        if not any(each.target.key == package.key for each in publishers):
            message = (
                f"{package} has no trusted publisher, so nobody could push to it. Add one first."
            )
            raise InvalidRequest(message)

    async def _check_existing(self, org: OrgName) -> None:
        organization = await self.directory.get(Organization, place_of(org))
        if organization is None or organization.is_deleted_at(self.clock.now_ms()):
            raise OrganizationNotFound(org)

    async def _all(self, org: OrgName) -> list[Publisher]:
        now_ms = self.clock.now_ms()
        found = await self.directory.of(Publisher, org.lower())
        return [each for each in found if each.ends_ms is None or each.ends_ms > now_ms]

    async def _get(self, org: OrgName, publisher_id: str) -> Publisher | None:
        if not (publisher_id.isascii() and publisher_id.isalnum()):
            return None  # No id that was given is like this, and not every store could look it up.
        return await self.directory.get(Publisher, Place(org.lower(), publisher_id))


def check_pusher(head: Head, by: Principal) -> None:
    """Raise `PublishersAlone` for who may push to other packages, but comes with a stored token."""
    if head.pushers is Pushers.PUBLISHERS and by.provenance is None:
        raise PublishersAlone(head.package)


def _same(publisher: Publisher) -> object:
    """Return what no two publishers have in common."""
    return publisher.target.key, publisher.server, publisher.ids, publisher.rules


def _described(publisher: Publisher) -> dict[str, str]:
    rules = publisher.rules
    described = {
        "provider": publisher.provider.value,
        "repository": publisher.repository,
        "workflow": rules.workflow,
        "reusable_workflow": rules.reusable_workflow,
        "refs": " ".join(rules.refs),
        "environment": rules.environment,
        "protected": "yes" if rules.protected else "",
    }
    return {name: value for name, value in described.items() if value}
