"""Trusted publishing: the trusted publishers of packages, and the exchange of a CI job's id token
for a token that expires after a quarter of an hour.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from shared.auth.authorization import Authorization
from shared.auth.secrets import Secret, random_text
from shared.auth.trusted_publishing import JobTokenVerifier
from shared.domain.errors.base import Conflict, Forbidden, InvalidRequest, NotFound, Unauthenticated
from shared.domain.errors.identity import (
    NotPermitted,
    Untrusted,
)
from shared.domain.identity import Principal
from shared.domain.names import OrgName, Package
from shared.domain.organizations import Organization, organization_place
from shared.domain.packages import Head, Pushers
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.domain.records import Place
from shared.domain.releases import with_change
from shared.domain.rights import Action, Grant, Scope
from shared.domain.times import MS
from shared.domain.tokens import Token
from shared.domain.trusted_publishing.jobs import PROVIDER_SERVERS, Provider, VerifiedJob
from shared.domain.trusted_publishing.publisher_rules import PublisherRules, rule_differences
from shared.domain.trusted_publishing.publishers import (
    Publisher,
    is_same_job,
    parse_job_ids,
    parse_repository,
)
from shared.ports import Clock, DirectoryStore, EventStore, MetadataStore, Randomness, WorkStore
from shared.runtime.retries import retried_when_stale
from shared.services.limits.rate_limits import RateLimiter
from shared.services.packages.derived_data import PackageRecordWriter
from shared.services.records import EntityChange, RecordWriter
from shared.services.tokens.repository_ids import RepositoryIds
from shared.services.tokens.token_records import IssuedToken, TokenRecords

PENDING_FOR = timedelta(days=30)  # A publisher of a package that does not exist yet.
PUBLISHER_ID_LENGTH = 10  # Base62, like the ids of tokens.
MAX_PUBLISHERS = 1_000  # Of one organization.


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
    """Manages the trusted publishers of packages; a change takes a recent sign-in."""

    authorization: Authorization
    directory: DirectoryStore
    record_writer: RecordWriter
    metadata: MetadataStore
    records: PackageRecordWriter
    clock: Clock
    randomness: Randomness
    servers: Mapping[Provider, frozenset[str]]
    repository_ids: RepositoryIds
    rate_limiter: RateLimiter

    async def of_organization(self, org: OrgName, *, by: Principal) -> list[Publisher]:
        """Return the organization's publishers to its owners, without expired ones."""
        await self.authorization.require_within(by, Action.MANAGE, org)
        return await self._all(org)

    async def add(self, wanted: PublisherRequest, *, by: Principal) -> Publisher:
        """Let a CI workflow publish a package; if it does not exist, the first push creates it.

        Raises `InvalidRequest` for rules that exclude nobody, and `publisher-exists`.
        """
        package = wanted.package
        await self.authorization.require_within(by, Action.GOVERN, package)
        head = await self.metadata.head(package)
        publisher = self._new(wanted, head, by)
        await self._check_limit(publisher)
        details = {
            "publisher": publisher.id,
            **publisher.ids,
            **_details(publisher),
        }
        change = EntityChange("publisher.added", str(package), org=publisher.org, details=details)
        return await self.record_writer.add(publisher, change=change, by=by)

    async def add_repository(self, wanted: PublisherRequest, *, by: Principal) -> Publisher:
        """Add a publisher whose ids are looked up by the name of its repository.

        Raises as `add` and `RepositoryIds.find` do, and `TooManyRequests`. Only servers of the
        operator are called, and only for callers who may add the publisher.
        """
        await self.authorization.require_within(by, Action.GOVERN, wanted.package)
        server = self._server(wanted)
        # Providers limit the requests of this registry, whoever of its owners causes them.
        await self.rate_limiter.check(RateLimitClass.LOOK_UP, RateLimitKeys.of(by))
        ids = await self.repository_ids.find(wanted.provider, server, wanted.repository)
        return await self.add(replace(wanted, ids=ids), by=by)

    @retried_when_stale
    async def remove(self, org: OrgName, publisher_id: str, *, by: Principal) -> None:
        """Remove a publisher; tokens that its jobs got before expire within minutes."""
        await self.authorization.require_within(by, Action.GOVERN, org)
        publisher = await self._get(org, publisher_id)
        if publisher is None:
            raise NotFound(
                "publisher-not-found",
                f"trusted publisher not found: {publisher_id}. List the organization's to see "
                "their ids.",
            )
        details = {"publisher": publisher.id, **_details(publisher)}
        subject = str(publisher.target)
        change = EntityChange("publisher.removed", subject, org=publisher.org, details=details)
        await self.record_writer.remove(publisher, change=change, by=by)

    async def restrict_pushers(self, package: Package, pushers: Pushers, *, by: Principal) -> Head:
        """Set who may push to the package: members and publishers, or trusted publishers alone."""
        await self.authorization.require_within(by, Action.GOVERN, package)
        if pushers is Pushers.PUBLISHERS:
            await self._check_published(package)

        def decide(head: Head) -> Head:
            if head.pushers is pushers:
                return head
            kind, now_ms = "package.pushers-changed", self.clock.now_ms()
            return with_change(head, kind, by=by, now_ms=now_ms, pushers=pushers)

        return await self.records.change_package(package, decide)

    async def bind(self, head: Head, *, by: Principal) -> None:
        """Bind the pending publisher whose push creates the package to it.

        Called before the release is stored, so that a repeated push finds it done or does it. One
        read if the publisher's token created the package, and none otherwise.
        """
        ids = by.provenance.publishers if by.provenance else ()
        creators = frozenset(ids) & frozenset(head.made_by)
        if creators:
            await self._bind(head.package, creators, by)

    @retried_when_stale
    async def _bind(self, package: Package, creators: frozenset[str], by: Principal) -> None:
        for publisher in await self.directory.list_by_owner(Publisher, package.org.lower()):
            if publisher.id in creators and publisher.is_pending_for(package):
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
            pending_until_ms=None if head else now_ms + PENDING_FOR // MS,
        )

    def _server(self, wanted: PublisherRequest) -> str:
        server = (wanted.server or PROVIDER_SERVERS[wanted.provider]).rstrip("/")
        known = self.servers.get(wanted.provider, frozenset())
        if server not in known:
            names = " and ".join(sorted(known)) or "none"
            message = (
                f"This registry takes no jobs of {wanted.provider.title} from {server[:80]!r}; of "
                f"its servers it knows {names}. Ask the operator to add yours."
            )
            raise InvalidRequest(message)
        return server

    async def _check_limit(self, wanted: Publisher) -> None:
        publishers = await self._all(OrgName(wanted.org))
        for each in publishers:
            if _identity(each) == _identity(wanted):
                raise Conflict(
                    "publisher-exists",
                    f"{each.target} has this trusted publisher already, as {each.id}. Remove that "
                    "one first, or set other restrictions.",
                )
        if len(publishers) >= MAX_PUBLISHERS:
            reason = f"{wanted.org} has {MAX_PUBLISHERS} publishers; remove some first"
            raise NotPermitted("add", "another trusted publisher", reason)

    async def _check_published(self, package: Package) -> None:
        """Raise if nobody could push to the package any more."""
        publishers = await self._all(package.org)
        if not any(each.target.key == package.key for each in publishers):
            message = (
                f"{package} has no trusted publisher, so nobody could push to it. Add one first."
            )
            raise InvalidRequest(message)

    async def _all(self, org: OrgName) -> list[Publisher]:
        now_ms = self.clock.now_ms()
        found = await self.directory.list_by_owner(Publisher, org.lower())
        return [each for each in found if each.ends_ms is None or each.ends_ms > now_ms]

    async def _get(self, org: OrgName, publisher_id: str) -> Publisher | None:
        if not (publisher_id.isascii() and publisher_id.isalnum()):
            return None  # It is no id of ours, and not every store could look it up.
        return await self.directory.get(Publisher, Place(org.lower(), publisher_id))


def check_pusher(head: Head, by: Principal) -> None:
    """Raise `publishers-alone` for a stored token, if only trusted publishers may push."""
    if head.pushers is Pushers.PUBLISHERS and by.provenance is None:
        raise Forbidden(
            "publishers-alone",
            f"{head.package} is published by its trusted publishers alone, so no stored token can "
            "push to it. Publish from the workflow, or ask an owner to open it for members.",
        )


def _identity(publisher: Publisher) -> object:
    """Return the fields that no two publishers may share."""
    return publisher.target.key, publisher.server, publisher.ids, publisher.rules


def _details(publisher: Publisher) -> dict[str, str]:
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


TOKEN_LIFETIME = timedelta(
    minutes=15
)  # A build and a push; a longer job exchanges its id token later.
# An id token is remembered after it expires, because the clocks of instances differ.
ID_TOKEN_REMEMBERED_FOR = timedelta(minutes=10)

MAX_PUBLISHERS_READ = 100  # Of one repository whose job does not name an organization.

_KIND = "id-token"
_SAY_WHICH = "This job publishes for {names}. Say for which one, as org."


@dataclass(frozen=True)
class TrustedPublishing:
    """Exchanges the id tokens of CI jobs for tokens that may publish."""

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
        """Return a token for all packages of one organization that the job may publish.

        `org` is the organization. Without it only one may trust the job; since everybody may add a
        publisher to an organization of their own, a job should name it. Raises `Untrusted` for a
        job that no publisher trusts, `id-token-used` for a second exchange of an id token, and what
        `jobs.read` raises.
        """
        job = await self.jobs.read(text)
        # Whatever credential the request has, the principal is the job.
        principal = Principal(job.job.subject, _KIND, address=by.address, agent=by.agent)
        candidates = await (self._of_all(job) if org is None else self._of(org, job))
        publishers = await self._trusting(job, candidates)
        if not publishers:
            refusal = _refusal(job, candidates)
            if org is not None:
                await self._log_refusal(candidates, refusal, job, principal)
            raise refusal
        organization = await self._organization(job, publishers)
        await self._use_once(job)
        return await self._issue(job, organization, publishers, principal)

    async def _of(self, org: OrgName, job: VerifiedJob) -> list[Publisher]:
        """Return the organization's publishers that have the job's subject."""
        found = await self.directory.list_by_owner(Publisher, org.lower())
        return self._unexpired([each for each in found if each.subject == job.job.subject])

    async def _of_all(self, job: VerifiedJob) -> list[Publisher]:
        """Return all publishers that have the job's subject."""
        # The list by subject may be stale, and this decides on rights: each is read again.
        listed = await self.directory.list_by_subject(Publisher, job.job.subject)
        if len(listed) > MAX_PUBLISHERS_READ:
            raise InvalidRequest(_SAY_WHICH.format(names="several organizations"))
        read = await asyncio.gather(*(self.directory.get(Publisher, p.place) for p in listed))
        return self._unexpired([each for each in read if each is not None])

    def _unexpired(self, publishers: Sequence[Publisher]) -> list[Publisher]:
        now_ms = self.clock.now_ms()
        return [each for each in publishers if each.ends_ms is None or each.ends_ms > now_ms]

    async def _trusting(self, job: VerifiedJob, candidates: Sequence[Publisher]) -> list[Publisher]:
        """Return the publishers that trust the job, unless another one created their package."""
        trusting = [
            each
            for each in candidates
            if is_same_job(each, job.job) and not rule_differences(each.rules, job.job)
        ]
        heads = await asyncio.gather(*(self.metadata.head(each.target) for each in trusting))
        return [
            each
            for each, head in zip(trusting, heads, strict=True)
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
            raise _workload_unknown(job)
        return organization

    async def _use_once(self, job: VerifiedJob) -> None:
        key = hashlib.sha256(f"{job.issuer}\n{job.token_id}".encode()).hexdigest()
        kept_ms = job.expires_ms + ID_TOKEN_REMEMBERED_FOR // MS
        now_ms = self.clock.now_ms()
        if not await self.work.claim(_KIND, key, "", expires_ms=kept_ms, now_ms=now_ms):
            raise Unauthenticated(
                "id-token-used",
                "This id token was exchanged before, and each is good for one exchange. Ask the "
                "provider for a new one in every job.",
            )

    async def _issue(
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
            expires_ms=now_ms + TOKEN_LIFETIME // MS,
            provenance=job.job.provenance(*(each.id for each in publishers)),
        )
        return await self.tokens.issue(draft, by=by)

    async def _log_refusal(
        self, candidates: Sequence[Publisher], refusal: Untrusted, job: VerifiedJob, by: Principal
    ) -> None:
        """Write into the organization's audit log that a job with their subject was refused."""
        if candidates:
            event = self.record_writer.event(_refused(candidates[0], refusal, job), by)
            await self.events.append([event])


def _refusal(job: VerifiedJob, candidates: Sequence[Publisher]) -> Untrusted:
    same = [each for each in candidates if is_same_job(each, job.job)]
    if not same:
        return _workload_unknown(job)
    differing = {each.id: rule_differences(each.rules, job.job) for each in same}
    nearest = min(same, key=lambda each: len(differing[each.id]))
    differences = differing[nearest.id] or ["the package that it waited for was made by another"]
    return Untrusted(
        "workload-differs",
        f"The trusted publisher of {nearest.target} does not take this run: "
        f"{'; '.join(differences)}. Publish from a run as it asks for, or ask an owner to change "
        "it.",
    )


def _workload_unknown(job: VerifiedJob) -> Untrusted:
    return Untrusted(
        "workload-unknown",
        f"No package here is published by {job.job}. An owner of the organization adds it as a "
        "trusted publisher; names are not enough, the ids have to be the same.",
    )


def _grant(publisher: Publisher) -> Grant:
    # A client that lost the answer repeats the push that created the package, which exists by
    # then: a publisher that may create it may also publish versions of it.
    new = {Scope.PUSH_NEW} if publisher.pending_until_ms is not None else set[Scope]()
    scopes = frozenset({Scope.PUSH_VERSION} | new)
    return Grant(scopes=scopes, org=publisher.org, package=publisher.package)


def _refused(publisher: Publisher, refusal: Untrusted, job: VerifiedJob) -> EntityChange:
    run = job.job.provenance().event_details
    details = {"publisher": publisher.id, "why": str(refusal), **job.job.ids, **run}
    return EntityChange(
        "publisher.refused", str(publisher.target), org=publisher.org, details=details
    )
