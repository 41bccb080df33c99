"""Trusted publishing: a job proves what it is, and gets a token for a quarter of an hour."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from shared.auth.secret import Secret
from shared.domain.errors import IdTokenUsed, InvalidRequest
from shared.domain.identity import Principal
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, place_of
from shared.domain.publishers import Publisher
from shared.domain.rights import Grant, Scope
from shared.domain.tokens import Token
from shared.domain.untrusted import Untrusted, WorkloadDiffers, WorkloadUnknown
from shared.domain.workloads import Job
from shared.ports import Clock, DirectoryStore, EventStore, MetadataStore, WorkStore
from shared.services.recording import Change, Recording
from shared.services.token_records import IssuedToken, TokenRecords

TOKEN_LIFETIME = timedelta(minutes=15)  # A build and a push; a job that takes longer asks later.
# An id token is remembered for longer than it counts, so that no two clocks of ours disagree on
# whether it still does.
REMEMBERED_FOR = timedelta(minutes=10)

MAX_READ = 100  # Publishers of one repository, whose job does not say for whom it publishes.

_KIND = "id-token"
_SAY_WHICH = "This job publishes for {names}. Say for which one, as org."


class JobTokens(Protocol):
    """Reads the id tokens of jobs."""

    async def read(self, text: Secret) -> Job:
        """Return the job whose token this is.

        Raises `SignedTokenRefused`, `IssuerSilent`, or `Untrusted` for a run that never publishes.
        """
        ...


@dataclass(frozen=True)
class TrustedPublishing:
    """Exchanges the id tokens of jobs for tokens that publish what they are trusted with."""

    jobs: JobTokens
    directory: DirectoryStore
    recording: Recording
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
        asks = Principal(job.workload.subject, _KIND, address=by.address, agent=by.agent)
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

    async def _near_in(self, org: OrgName, job: Job) -> list[Publisher]:
        """Return the organization's publishers with the job's number."""
        found = await self.directory.of(Publisher, org.lower())
        return self._counting([each for each in found if each.subject == job.workload.subject])

    async def _near(self, job: Job) -> list[Publisher]:
        """Return everybody's publishers with the job's number."""
        # The list by subject may lag behind, and this is about rights: each is read again.
        listed = await self.directory.about(Publisher, job.workload.subject)
        if len(listed) > MAX_READ:
            raise InvalidRequest(_SAY_WHICH.format(names="several organizations"))
        read = await asyncio.gather(*(self.directory.get(Publisher, p.place) for p in listed))
        return self._counting([each for each in read if each is not None])

    def _counting(self, publishers: Sequence[Publisher]) -> list[Publisher]:
        now_ms = self.clock.now_ms()
        return [each for each in publishers if each.ends_ms is None or each.ends_ms > now_ms]

    async def _trusting(self, job: Job, near: Sequence[Publisher]) -> list[Publisher]:
        """Return the publishers that take this run, unless somebody else made their package."""
        taking = [each for each in near if each.is_the(job.workload)]
        taking = [each for each in taking if not each.rules.differences(job.workload)]
        heads = await asyncio.gather(*(self.metadata.head(p.target) for p in taking))
        return [
            each
            for each, head in zip(taking, heads, strict=True)
            if each.pending_until_ms is None or head is None or each.id in head.made_by
        ]

    async def _organization(self, job: Job, publishers: Sequence[Publisher]) -> Organization:
        keys = {each.org.lower() for each in publishers}
        if len(keys) > 1:
            names = ", ".join(sorted({each.org for each in publishers}))
            raise InvalidRequest(_SAY_WHICH.format(names=names))
        organization = await self.directory.get(Organization, place_of(OrgName(keys.pop())))
        if organization is None or organization.is_deleted_at(self.clock.now_ms()):
            raise WorkloadUnknown(str(job.workload))
        return organization

    async def _use_once(self, job: Job) -> None:
        key = hashlib.sha256(f"{job.issuer}\n{job.token_id}".encode()).hexdigest()
        kept_ms = job.counts_until_ms + REMEMBERED_FOR // timedelta(milliseconds=1)
        now_ms = self.clock.now_ms()
        if not await self.work.claim(_KIND, key, "", expires_ms=kept_ms, now_ms=now_ms):
            raise IdTokenUsed

    async def _mint(
        self, job: Job, organization: Organization, publishers: Sequence[Publisher], by: Principal
    ) -> IssuedToken:
        now_ms = self.clock.now_ms()
        draft = Token(
            id="",
            hash="",
            owner=organization.id,
            org=organization.name,
            name=f"{job.workload.provider.title} {job.workload.repository}".strip(),
            grants=tuple(_grant(each) for each in publishers),
            created_ms=now_ms,
            expires_ms=now_ms + TOKEN_LIFETIME // timedelta(milliseconds=1),
            provenance=job.workload.provenance(*(each.id for each in publishers)),
        )
        return await self.tokens.issue(draft, by=by)

    async def _tell_owners(
        self, near: Sequence[Publisher], refusal: Untrusted, job: Job, by: Principal
    ) -> None:
        """Write into the log of the organization that a job with their number was refused."""
        if near:
            event = self.recording.event(_refused(near[0], refusal, job), by)
            await self.events.append([event])


def _refusal(job: Job, near: Sequence[Publisher]) -> WorkloadUnknown | WorkloadDiffers:
    same = [each for each in near if each.is_the(job.workload)]
    if not same:
        return WorkloadUnknown(str(job.workload))
    differing = {each.id: each.rules.differences(job.workload) for each in same}
    nearest = min(same, key=lambda each: len(differing[each.id]))
    differences = differing[nearest.id] or ["the package that it waited for was made by another"]
    return WorkloadDiffers(nearest.target, "; ".join(differences))


def _grant(publisher: Publisher) -> Grant:
    # A push that makes the package is repeated by clients that lost the answer, and then the
    # package is there: who may make it may publish versions of it as well.
    new = {Scope.PUSH_NEW} if publisher.pending_until_ms is not None else set[Scope]()
    scopes = frozenset({Scope.PUSH_VERSION} | new)
    return Grant(scopes=scopes, org=publisher.org, package=publisher.package)


def _refused(publisher: Publisher, refusal: Untrusted, job: Job) -> Change:
    run = job.workload.provenance().run
    details = {"publisher": publisher.id, "why": str(refusal), **job.workload.ids, **run}
    return Change("publisher.refused", str(publisher.target), org=publisher.org, details=details)
