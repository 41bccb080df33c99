"""Trusted publishing: the exchange of a CI job's id token for a token that expires after a quarter
of an hour.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from msgspec import Struct

from shared.auth.issuer_keys import IssuerKeys
from shared.auth.signed_tokens import (
    LEEWAY,
    Claims,
    ExpectedClaims,
    TokenFlaw,
    read_unverified,
    verify_jwt,
)
from shared.auth.tokens import Secret
from shared.domain.accounts import Organization, Token, organization_place
from shared.domain.errors.base import InvalidRequest, Unauthenticated, about_field
from shared.domain.errors.identity import SignedTokenRefused, Untrusted
from shared.domain.names import OrgName, Package
from shared.domain.packages import Head
from shared.domain.principals import Grant, Principal, Scope
from shared.domain.times import MS, time_text
from shared.domain.trusted_publishing.issuers import UNKNOWN_TRAITS, IssuerTraits, is_fixed_audience
from shared.domain.trusted_publishing.jobs import (
    Provider,
    VerifiedJob,
    provider_server,
    pull_request_refusal,
    read_any_claims,
    read_job_claims,
)
from shared.domain.trusted_publishing.publishers import (
    Publisher,
    PublisherReads,
    PublisherScopes,
    is_same_job,
    job_differences,
)
from shared.domain.trusted_publishing.refs import tagged_version
from shared.ports import Clock, DirectoryStore, EventStore, MetadataStore, WorkStore
from shared.services.records import EntityChange, RecordWriter
from shared.services.tokens.makers import Makers
from shared.services.tokens.tokens import IssuedToken, TokenRecords

TOKEN_LIFETIME = timedelta(
    minutes=15
)  # A build and a push; a longer job exchanges its id token later.
# An id token is remembered after it expires, because the clocks of instances differ.
ID_TOKEN_REMEMBERED_FOR = timedelta(minutes=10)

MAX_PUBLISHERS_READ = 100  # Of one repository whose job does not name an organization.

_KIND = "id-token"
_SAY_WHICH = "This job publishes for {names}. Say for which one, as org."
_SAY_ANY = "Many jobs have this issuer. Say for which organization this one asks, as org."


# The audience of every token of Azure DevOps; it cannot be configured.
AZURE_DEVOPS_AUDIENCE = "api://AzureADTokenExchange"

_UNKNOWN = "this registry takes no jobs of its issuer"


class TrustedIssuer(Struct, frozen=True):
    """An issuer whose tokens are accepted for CI jobs; one that the operator names has a label."""

    provider: Provider
    issuer: str
    audiences: tuple[str, ...]
    label: str = ""
    traits: IssuerTraits = UNKNOWN_TRAITS

    @property
    def server(self) -> str:
        return provider_server(self.provider, self.issuer)


class JobTokenVerifier:
    """Verifies the id tokens of CI jobs."""

    def __init__(self, issuers: Iterable[TrustedIssuer], keys: IssuerKeys, clock: Clock) -> None:
        self._issuers = {each.issuer: each for each in issuers}
        self._keys = keys
        self._clock = clock

    @property
    def issuers(self) -> tuple[TrustedIssuer, ...]:
        return tuple(self._issuers.values())

    @property
    def named_issuers(self) -> tuple[TrustedIssuer, ...]:
        """The issuers of OpenID Connect that the operator names, in their order."""
        return tuple(each for each in self.issuers if each.provider is Provider.OIDC)

    async def check(self, issuer: str) -> None:
        """Read the keys of an issuer; raise `Unanswered`."""
        await self._keys.check(issuer)

    @property
    def servers(self) -> Mapping[Provider, frozenset[str]]:
        return {
            provider: frozenset(
                each.server for each in self._issuers.values() if each.provider is provider
            )
            for provider in Provider
        }

    async def read(self, text: Secret) -> VerifiedJob:
        """Verify the token and return its job.

        Raises `SignedTokenRefused`, `issuer-silent`, or `Untrusted` for a run that never publishes.
        """
        # The claimed issuer selects the keys to verify the token with.
        trusted = self._issuers.get(str(read_unverified(text.reveal()).get("iss", "")))
        if trusted is None:
            raise SignedTokenRefused(_UNKNOWN)
        is_any = trusted.provider is Provider.OIDC
        expected = ExpectedClaims(trusted.issuer, () if is_any else trusted.audiences)
        claims = await verify_jwt(text.reveal(), expected, keys=self._keys, clock=self._clock)
        if is_any:
            _check_audience(claims, trusted)
            job = read_any_claims(trusted.issuer, trusted.traits, claims.values, trusted.label)
            token_id = claims.text_or_empty("jti") or _digest(text)
        else:
            job = read_job_claims(trusted.provider, claims.values)
            token_id = claims.text("jti")
        return VerifiedJob(
            job=job,
            issuer=trusted.issuer,
            token_id=token_id,
            issued_ms=claims.seconds("iat") * 1000,
            expires_ms=claims.seconds("exp") * 1000 + LEEWAY // MS,
            may_repeat=trusted.traits.reuses_tokens,
        )


def _check_audience(claims: Claims, trusted: TrustedIssuer) -> None:
    """Refuse a token for another service; which audience a publisher asks for is its own."""
    for audience in claims.texts("aud") or ("",):
        if audience not in trusted.audiences and not is_fixed_audience(audience, trusted.traits):
            raise SignedTokenRefused(TokenFlaw.AUDIENCE.value)


def _digest(text: Secret) -> str:
    """Return the hash of what is signed of a token: a signature has several spellings."""
    signed, _, _ = text.reveal().rpartition(".")
    return hashlib.sha256(signed.encode()).hexdigest()


@dataclass(frozen=True)
class TrustedPublishing:
    """Exchanges the id tokens of CI jobs for tokens that may publish or read.

    An id token that its issuer hands out again and again may be exchanged for
    `publish_id_token_hours` after it was issued; all others are exchanged once.
    """

    jobs: JobTokenVerifier
    directory: DirectoryStore
    record_writer: RecordWriter
    events: EventStore
    metadata: MetadataStore
    makers: Makers
    tokens: TokenRecords
    work: WorkStore
    clock: Clock
    publish_id_token_hours: int

    async def exchange(
        self, text: Secret, *, org: OrgName | None = None, by: Principal
    ) -> IssuedToken:
        """Return a token for all packages of one organization that the job may publish, and for
        what it may read.

        `org` is the organization. Without it only one may trust the job; since everybody may add a
        publisher to an organization of their own, a job should name it, and one of an issuer that
        the operator named has to. Raises `Untrusted` for a job that no publisher trusts,
        `id-token-used` for a second exchange of an id token, `id-token-old`, and what `jobs.read`
        raises.
        """
        job = await self.jobs.read(text)
        # Whatever credential the request has, the principal is the job.
        principal = Principal(job.job.actor, _KIND, address=by.address, agent=by.agent)
        candidates = await (self._of_all(job) if org is None else self._of(org, job))
        trusting = await self._trusting(job, candidates)
        publishers = await self._not_stopped(trusting)
        if trusting and not publishers:
            paused = _paused(trusting[0])
            await self._log_refusal(trusting, paused, job, principal)
            raise paused
        if not publishers:
            refusal = _refusal(job, candidates)
            if org is not None and refusal.code != "run-not-trusted":
                await self._log_refusal(candidates, refusal, job, principal)
            raise refusal
        organization = await self._organization(job, publishers)
        await self._use(job)
        return await self._issue(job, organization, publishers, principal)

    async def _of(self, org: OrgName, job: VerifiedJob) -> list[Publisher]:
        """Return the organization's publishers that have the job's subject."""
        found = await self.directory.list_by_owner(Publisher, org.lower())
        return self._unexpired([each for each in found if _concerns(each, job)])

    async def _of_all(self, job: VerifiedJob) -> list[Publisher]:
        """Return all publishers that have the job's subject."""
        if job.job.provider is Provider.OIDC:
            with about_field("org"):
                raise InvalidRequest(_SAY_ANY)
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
            if is_same_job(each, job.job) and not job_differences(each, job.job)
        ]
        heads = await asyncio.gather(*(self._head(each) for each in trusting))
        return [
            each
            for each, head in zip(trusting, heads, strict=True)
            if each.pending_until_ms is None or head is None or each.id in head.made_by
        ]

    async def _head(self, publisher: Publisher) -> Head | None:
        target = publisher.target
        return await self.metadata.head(target) if isinstance(target, Package) else None

    async def _not_stopped(self, publishers: Sequence[Publisher]) -> list[Publisher]:
        """Return the publishers that did not stop with their makers."""
        stops = await asyncio.gather(*(self.makers.stop(each.org, each.by) for each in publishers))
        return [each for each, stop in zip(publishers, stops, strict=True) if stop is None]

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

    async def _use(self, job: VerifiedJob) -> None:
        if job.may_repeat:
            self._check_age(job)
        else:
            await self._use_once(job)

    def _check_age(self, job: VerifiedJob) -> None:
        hours = self.publish_id_token_hours
        if self.clock.now_ms() - job.issued_ms > timedelta(hours=hours) // MS:
            raise Unauthenticated(
                "id-token-old",
                f"This id token was issued at {time_text(job.issued_ms)}, and this registry takes "
                f"those of its issuer for {hours} hours. Ask the issuer for a new one.",
            )

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
            name=job.job.title,
            grants=(*map(_grant, _publishing(publishers)), *_reading(organization, publishers)),
            created_ms=now_ms,
            expires_ms=now_ms + TOKEN_LIFETIME // MS,
            provenance=job.job.provenance(*(each.id for each in publishers)),
            publishers_made_by=_makers(publishers),
            by_unknown_guest=any(each.by_guest and each.maker is None for each in publishers),
            by_guest=any(each.by_guest for each in publishers),
            only_versions=_only_versions(publishers, job),
        )
        return await self.tokens.issue(draft, by=by, details=_details_of_exchange(job))

    async def _log_refusal(
        self, candidates: Sequence[Publisher], refusal: Untrusted, job: VerifiedJob, by: Principal
    ) -> None:
        """Write into the organization's audit log that a job with their subject was refused."""
        if candidates:
            event = self.record_writer.event(_refused(candidates[0], refusal, job), by)
            await self.events.append([event])


def _refusal(job: VerifiedJob, candidates: Sequence[Publisher]) -> Untrusted:
    same = [each for each in candidates if is_same_job(each, job.job)]
    reading = [each for each in same if each.scopes is PublisherScopes.READ]
    if job.job.is_of_pull_request and not reading:
        return pull_request_refusal()
    same = reading if job.job.is_of_pull_request else same
    if not same:
        return _workload_unknown(job)
    differing = {each.id: job_differences(each, job.job) for each in same}
    nearest = min(same, key=lambda each: len(differing[each.id]))
    differences = differing[nearest.id] or ["the package that it waited for was made by another"]
    return Untrusted(
        "workload-differs",
        f"The trusted publisher of {nearest.target} does not take this run: "
        f"{'; '.join(differences)}. Start a run as it asks for, or ask an owner to change it.",
    )


def _paused(publisher: Publisher) -> Untrusted:
    return Untrusted(
        "publisher-paused",
        f"The trusted publisher of {publisher.target} is paused, since who made it is no owner of "
        f"{publisher.org} any more. An owner confirms it on the page of trusted publishers.",
    )


def _workload_unknown(job: VerifiedJob) -> Untrusted:
    return Untrusted(
        "workload-unknown",
        f"No package here is published by {job.job}. An owner of the organization adds it as a "
        "trusted publisher; names are not enough, the ids have to be the same.",
    )


def _concerns(publisher: Publisher, job: VerifiedJob) -> bool:
    """Check whether a publisher has the subject of the job. That of an issuer has many customers,
    so only publishers of the same customer tell it anything and note its refusal."""
    if publisher.subject != job.job.subject:
        return False
    return job.job.provider is not Provider.OIDC or is_same_job(publisher, job.job)


def _publishing(publishers: Sequence[Publisher]) -> list[Publisher]:
    return [each for each in publishers if each.scopes is PublisherScopes.PUBLISH]


def _details_of_exchange(job: VerifiedJob) -> dict[str, str]:
    """Return what tells exchanges of one id token apart from those of others, where there may be
    several."""
    if not job.may_repeat:
        return {}
    digest = hashlib.sha256(job.token_id.encode()).hexdigest()
    return {"id_token": digest[:16], "id_token_issued": time_text(job.issued_ms)}


def _grant(publisher: Publisher) -> Grant:
    # A client that lost the answer repeats the push that created the package, which exists by
    # then: a publisher that may create it may also publish versions of it.
    new = {Scope.PUSH_NEW} if publisher.pending_until_ms is not None else set[Scope]()
    # It reads what it pushed, to see that it is listed.
    scopes = frozenset({Scope.READ, Scope.PUSH_VERSION} | new)
    return Grant(scopes=scopes, org=publisher.org, package=publisher.package)


def _makers(publishers: Sequence[Publisher]) -> tuple[str, ...]:
    """Return the accounts that are known to have made the publishers."""
    return tuple(sorted({each.maker for each in publishers if each.maker is not None}))


def _reading(organization: Organization, publishers: Sequence[Publisher]) -> Iterator[Grant]:
    """Yield the grant for what members read, such as the dependencies of a build, if one of the
    publishers says so."""
    if any(each.reads is PublisherReads.ORGANIZATION for each in publishers):
        yield Grant(scopes=frozenset({Scope.READ}), org=organization.name)


def _only_versions(
    publishers: Sequence[Publisher], job: VerifiedJob
) -> Mapping[str, tuple[str, ...]]:
    """Return the versions of packages whose publishers all tie them to the tag of the run."""
    publishing = _publishing(publishers)
    free = {each.package.lower() for each in publishing if not each.rules.tag_version}
    found = dict[str, tuple[str, ...]]()
    for each in publishing:
        if each.package.lower() not in free:
            key = Package.parse(each.org, each.package).key
            version = tagged_version(each.rules.tag_version, job.job.ref)
            found[key] = (*found.get(key, ()), version)
    return found


def _refused(publisher: Publisher, refusal: Untrusted, job: VerifiedJob) -> EntityChange:
    run = job.job.provenance().event_details
    details = {"publisher": publisher.id, "why": str(refusal), **job.job.ids, **run}
    return EntityChange(
        "publisher.refused", str(publisher.target), org=publisher.org, details=details
    )
