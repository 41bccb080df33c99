"""Trusted publishing: the trusted publishers of packages, and the exchange of the id token of a CI
job
for a token that lasts a quarter of an hour.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from shared.auth.authorization import Authorization
from shared.auth.secrets import Secret, random_text
from shared.auth.trusted_publishing import JobTokenVerifier
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import IdTokenUsed, NotPermitted
from shared.domain.errors.organizations import OrganizationNotFound
from shared.domain.errors.packages import PackageNotFound
from shared.domain.errors.publishers import (
    PublisherExists,
    PublisherNotFound,
    PublishersAlone,
    Untrusted,
    WorkloadDiffers,
    WorkloadUnknown,
)
from shared.domain.identity import Principal
from shared.domain.names import OrgName, Package
from shared.domain.organizations import Organization, organization_place
from shared.domain.packages import Head, Pushers
from shared.domain.records import Place
from shared.domain.releases import with_change
from shared.domain.rights import Action, Grant, Scope
from shared.domain.tokens import Token
from shared.domain.trusted_publishing.jobs import PROVIDER_SERVERS, Provider, VerifiedJob
from shared.domain.trusted_publishing.publishers import (
    Publisher,
    PublisherRules,
    parse_job_ids,
    parse_repository,
)
from shared.ports import Clock, DirectoryStore, EventStore, MetadataStore, Randomness, WorkStore
from shared.retries import retry_when_stale
from shared.services.derived_data import DerivedData
from shared.services.records import EntityChange, RecordWriter
from shared.services.token_records import IssuedToken, TokenRecords

PENDING_FOR = timedelta(days=30)  # Who plans a package makes it within a month, or plans anew.
PUBLISHER_ID_LENGTH = 10  # Base62, like the ids of tokens.
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
    record_writer: RecordWriter
    metadata: MetadataStore
    derived_data: DerivedData
    clock: Clock
    randomness: Randomness
    servers: Mapping[Provider, frozenset[str]]

    async def of_organization(self, org: OrgName, *, by: Principal) -> list[Publisher]:
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
        change = EntityChange("publisher.added", str(package), org=publisher.org, details=details)
        return await self.record_writer.add(publisher, change=change, by=by)

    async def remove(self, org: OrgName, publisher_id: str, *, by: Principal) -> None:
        """Take a publisher away; tokens that it got before are good for minutes at most."""
        await self.authorization.require(by, Action.GOVERN, org)

        async def attempt() -> None:
            publisher = await self._get(org, publisher_id)
            if publisher is None:
                raise PublisherNotFound(publisher_id)
            details = {"publisher": publisher.id, **_described(publisher)}
            subject = str(publisher.target)
            change = EntityChange("publisher.removed", subject, org=publisher.org, details=details)
            await self.record_writer.remove(publisher, change=change, by=by)

        await retry_when_stale(attempt)

    async def restrict_pushers(self, package: Package, pushers: Pushers, *, by: Principal) -> Head:
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
            marked = with_change(head, kind, by=by, now_ms=now_ms, pushers=pushers)
            return await self.metadata.replace_head(marked)

        head = await retry_when_stale(attempt)
        await self.derived_data.update(head)
        return head

    async def bind(self, head: Head, *, by: Principal) -> None:
        """Keep the publisher whose push makes the package.

        Called before the release is there: a push that is repeated finds it done or does it. One
        read for a job whose token made the package, and none for anybody else.
        """
        ids = by.provenance.publishers if by.provenance else ()
        makers = frozenset(ids) & frozenset(head.made_by)
        if makers:
            await retry_when_stale(lambda: self._bind(head.package, makers, by))

    async def _bind(self, package: Package, makers: frozenset[str], by: Principal) -> None:
        for publisher in await self.directory.of(Publisher, package.org.lower()):
            if publisher.id in makers and publisher.is_pending_for(package):
                fields = {"pending_until_ms": None, "package": package.name}
                bound = publisher.model_copy(update=fields)
                details = {"publisher": publisher.id}
                change = EntityChange(
                    "publisher.bound", str(package), org=package.org, details=details
                )
                await self.record_writer.replace(bound, change=change, by=by)

    def _new(self, wanted: PublisherRequest, head: Head | None, by: Principal) -> Publisher:
        package = head.package if head else wanted.package
        now_ms = self.clock.now_ms()
        return Publisher(
            id=random_text(self.randomness, PUBLISHER_ID_LENGTH),
            org=package.org,
            package=package.name,
            provider=wanted.provider,
            server=self._server(wanted),
            ids=parse_job_ids(wanted.provider, wanted.ids),
            repository=parse_repository(wanted.repository),
            rules=PublisherRules.parse(wanted.provider, wanted.rules),
            created_ms=now_ms,
            by=by.id,
            pending_until_ms=None if head else now_ms + _PENDING_FOR_MS,
        )

    def _server(self, wanted: PublisherRequest) -> str:
        server = (wanted.server or PROVIDER_SERVERS[wanted.provider]).rstrip("/")
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
        organization = await self.directory.get(Organization, organization_place(org))
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


TOKEN_LIFETIME = timedelta(minutes=15)  # A build and a push; a job that takes longer asks later.
# An id token is remembered for longer than it counts, so that no two clocks of ours disagree on
# whether it still does.
ID_TOKEN_REMEMBERED_FOR = timedelta(minutes=10)

MAX_PUBLISHERS_READ = (
    100  # Publishers of one repository, whose job does not say for whom it publishes.
)

_KIND = "id-token"
_SAY_WHICH = "This job publishes for {names}. Say for which one, as org."


@dataclass(frozen=True)
class TrustedPublishing:
    """Exchanges the id tokens of jobs for tokens that publish what they are trusted with."""

    jobs: JobTokenVerifier
    directory: DirectoryStore
    record_writer: RecordWriter
    events: EventStore
    metadata: MetadataStore
    tokens: TokenRecords
    work: WorkStore
    clock: Clock

    async def exchange(
        self, text: Secret, *, org: OrgName | None = None, by: Principal
    ) -> IssuedToken:
        """Return a token for every package that this run is trusted with, of one organization.

        `org` says which. Without it there must be but one, and since everybody may add a publisher
        to an organization of their own, a job should say it. Raises `Untrusted` for a job that is
        not trusted, `IdTokenUsed` for one that has its token, and what `JobTokens.read` does.
        """
        job = await self.jobs.read(text)
        # Whatever else the request carries, it is the job that asks.
        asks = Principal(job.job.subject, _KIND, address=by.address, agent=by.agent)
        near = await (self._near(job) if org is None else self._near_in(org, job))
        publishers = await self._trusting(job, near)
        if not publishers:
            refusal = _refusal(job, near)
            if org is not None:
                await self._tell_owners(near, refusal, job, asks)
            raise refusal
        organization = await self._organization(job, publishers)
        await self._use_once(job)
        return await self._mint(job, organization, publishers, asks)

    async def _near_in(self, org: OrgName, job: VerifiedJob) -> list[Publisher]:
        """Return the organization's publishers with the job's number."""
        found = await self.directory.of(Publisher, org.lower())
        return self._counting([each for each in found if each.subject == job.job.subject])

    async def _near(self, job: VerifiedJob) -> list[Publisher]:
        """Return everybody's publishers with the job's number."""
        # The list by subject may lag behind, and this is about rights: each is read again.
        listed = await self.directory.about(Publisher, job.job.subject)
        if len(listed) > MAX_PUBLISHERS_READ:
            raise InvalidRequest(_SAY_WHICH.format(names="several organizations"))
        read = await asyncio.gather(*(self.directory.get(Publisher, p.place) for p in listed))
        return self._counting([each for each in read if each is not None])

    def _counting(self, publishers: Sequence[Publisher]) -> list[Publisher]:
        now_ms = self.clock.now_ms()
        return [each for each in publishers if each.ends_ms is None or each.ends_ms > now_ms]

    async def _trusting(self, job: VerifiedJob, near: Sequence[Publisher]) -> list[Publisher]:
        """Return the publishers that take this run, unless somebody else made their package."""
        taking = [each for each in near if each.matches(job.job)]
        taking = [each for each in taking if not each.rules.differences(job.job)]
        heads = await asyncio.gather(*(self.metadata.head(p.target) for p in taking))
        return [
            each
            for each, head in zip(taking, heads, strict=True)
            if each.pending_until_ms is None or head is None or each.id in head.made_by
        ]

    async def _organization(
        self, job: VerifiedJob, publishers: Sequence[Publisher]
    ) -> Organization:
        keys = {each.org.lower() for each in publishers}
        if len(keys) > 1:
            names = ", ".join(sorted({each.org for each in publishers}))
            raise InvalidRequest(_SAY_WHICH.format(names=names))
        organization = await self.directory.get(
            Organization, organization_place(OrgName(keys.pop()))
        )
        if organization is None or organization.is_deleted_at(self.clock.now_ms()):
            raise WorkloadUnknown(str(job.job))
        return organization

    async def _use_once(self, job: VerifiedJob) -> None:
        key = hashlib.sha256(f"{job.issuer}\n{job.token_id}".encode()).hexdigest()
        kept_ms = job.expires_ms + ID_TOKEN_REMEMBERED_FOR // timedelta(milliseconds=1)
        now_ms = self.clock.now_ms()
        if not await self.work.claim(_KIND, key, "", expires_ms=kept_ms, now_ms=now_ms):
            raise IdTokenUsed

    async def _mint(
        self,
        job: VerifiedJob,
        organization: Organization,
        publishers: Sequence[Publisher],
        by: Principal,
    ) -> IssuedToken:
        now_ms = self.clock.now_ms()
        draft = Token(
            id="",
            hash="",
            owner=organization.id,
            org=organization.name,
            name=f"{job.job.provider.title} {job.job.repository}".strip(),
            grants=tuple(_grant(each) for each in publishers),
            created_ms=now_ms,
            expires_ms=now_ms + TOKEN_LIFETIME // timedelta(milliseconds=1),
            provenance=job.job.provenance(*(each.id for each in publishers)),
        )
        return await self.tokens.issue(draft, by=by)

    async def _tell_owners(
        self, near: Sequence[Publisher], refusal: Untrusted, job: VerifiedJob, by: Principal
    ) -> None:
        """Write into the log of the organization that a job with their number was refused."""
        if near:
            event = self.record_writer.event(_refused(near[0], refusal, job), by)
            await self.events.append([event])


def _refusal(job: VerifiedJob, near: Sequence[Publisher]) -> WorkloadUnknown | WorkloadDiffers:
    same = [each for each in near if each.matches(job.job)]
    if not same:
        return WorkloadUnknown(str(job.job))
    differing = {each.id: each.rules.differences(job.job) for each in same}
    nearest = min(same, key=lambda each: len(differing[each.id]))
    differences = differing[nearest.id] or ["the package that it waited for was made by another"]
    return WorkloadDiffers(nearest.target, "; ".join(differences))


def _grant(publisher: Publisher) -> Grant:
    # A push that makes the package is repeated by clients that lost the answer, and then the
    # package is there: who may make it may publish versions of it as well.
    new = {Scope.PUSH_NEW} if publisher.pending_until_ms is not None else set[Scope]()
    scopes = frozenset({Scope.PUSH_VERSION} | new)
    return Grant(scopes=scopes, org=publisher.org, package=publisher.package)


def _refused(publisher: Publisher, refusal: Untrusted, job: VerifiedJob) -> EntityChange:
    run = job.job.provenance().event_details
    details = {"publisher": publisher.id, "why": str(refusal), **job.job.ids, **run}
    return EntityChange(
        "publisher.refused", str(publisher.target), org=publisher.org, details=details
    )
