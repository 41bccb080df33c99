"""Trusted publishing: a job proves what it is, and gets a token for a quarter of an hour."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.auth.jwts import LEEWAY
from shared.auth.secret import Secret
from shared.auth.trusted import Job, JobTokens
from shared.domain.errors import IdTokenUsed, InvalidRequest
from shared.domain.identity import Principal
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, place_of
from shared.domain.publishers import Publisher
from shared.domain.rights import Grant, Scope
from shared.domain.tokens import Token
from shared.domain.untrusted import Untrusted, WorkloadDiffers, WorkloadUnknown
from shared.ports import Clock, DirectoryStore, EventStore, MetadataStore, WorkStore
from shared.services.recording import Change, Recording
from shared.services.token_records import IssuedToken, TokenRecords

TOKEN_LIFETIME = timedelta(minutes=15)  # A build and a push; a job that takes longer asks later.
# An id token counts for the leeway after its end; it is remembered for longer, so that no two
# clocks of ours disagree on whether it still counts.
REMEMBERED_FOR = LEEWAY + timedelta(minutes=10)

_KIND = "id-token"


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

        `org` says which, where there are several. Raises `Untrusted` for a job that is not trusted,
        `IdTokenUsed` for one that has its token, and what `JobTokens.read` does.
        """
        job = await self.jobs.read(text)
        # Whatever else the request carries, it is the job that asks.
        asks = Principal(job.workload.subject, _KIND, address=by.address, agent=by.agent)
        publishers = await self._trusting(job, asks)
        organization = await self._organization(publishers, org)
        chosen = [each for each in publishers if each.org.lower() == organization.key]
        await self._use_once(job)
        return await self._mint(job, organization, chosen, asks)

    async def _trusting(self, job: Job, by: Principal) -> list[Publisher]:
        """Return the publishers that take this run, or raise why none does."""
        near = await self._current(job)
        same = [each for each in near if each.is_the(job.workload)]
        differing = {each.id: each.rules.differences(job.workload) for each in same}
        fitting = [each for each in same if not differing[each.id]]
        taking = await self._not_overtaken(fitting)
        if taking:
            return taking
        refusal = _refusal(job, same, differing)
        await self._tell_owners(near, refusal, job, by)
        raise refusal

    async def _current(self, job: Job) -> list[Publisher]:
        """Return the publishers with the job's number, as they are at this moment."""
        # The list by subject may lag behind, and this is about rights: each is read again.
        listed = await self.directory.about(Publisher, job.workload.subject)
        read = await asyncio.gather(*(self.directory.get(Publisher, p.place) for p in listed))
        now_ms = self.clock.now_ms()
        return [each for each in read if each and (each.ends_ms is None or each.ends_ms > now_ms)]

    async def _not_overtaken(self, publishers: Sequence[Publisher]) -> list[Publisher]:
        """Return those whose package is there, or waits for them and was made by nobody else."""
        heads = await asyncio.gather(*(self.metadata.head(p.target) for p in publishers))
        return [
            each
            for each, head in zip(publishers, heads, strict=True)
            if each.pending_until_ms is None or head is None or each.id in head.made_by
        ]

    async def _organization(
        self, publishers: Sequence[Publisher], wanted: OrgName | None
    ) -> Organization:
        keys = {each.org.lower() for each in publishers}
        if wanted is not None:
            keys &= {wanted.lower()}
        if len(keys) != 1:
            names = ", ".join(sorted({each.org for each in publishers}))
            message = f"This job publishes for {names}. Say for which one, as org."
            raise InvalidRequest(message)
        organization = await self.directory.get(Organization, place_of(OrgName(keys.pop())))
        if organization is None or organization.is_deleted_at(self.clock.now_ms()):
            raise WorkloadUnknown(str(publishers[0].subject))
        return organization

    async def _use_once(self, job: Job) -> None:
        key = hashlib.sha256(f"{job.issuer}\n{job.token_id}".encode()).hexdigest()
        kept_ms = job.expires_ms + REMEMBERED_FOR // timedelta(milliseconds=1)
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
        """Write into the logs of owners that a job with their number was refused, and why."""
        events = [
            self.recording.event(_refused(each, refusal, job), by)
            for each in {each.org.lower(): each for each in near}.values()
        ]
        if events:
            await self.events.append(events)


def _refusal(
    job: Job, same: Sequence[Publisher], differing: dict[str, list[str]]
) -> WorkloadUnknown | WorkloadDiffers:
    if not same:
        return WorkloadUnknown(str(job.workload))
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
