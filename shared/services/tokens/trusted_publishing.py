"""Trusted publishing: the exchange of a CI job's id token for a token that expires after a quarter
of an hour.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.issuer_keys import IssuerKeys
from shared.auth.json_web_tokens import (
    LEEWAY,
    Claims,
    ExpectedClaims,
    TokenFlaw,
    read_unverified,
    verify_jwt,
)
from shared.auth.secrets import Secret
from shared.domain.coordinates import Package
from shared.domain.errors.base import InvalidRequest, Unauthenticated, about_field
from shared.domain.errors.identity import (
    NotPermitted,
    SignedTokenRefused,
    TokenNotFound,
    Untrusted,
    credentials_missing,
)
from shared.domain.grants import Grant
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.packages import Head, Provenance
from shared.domain.principals import MAX_REFUSED_PACKAGES, Principal, RefusedPackage
from shared.domain.scopes import Scope
from shared.domain.times import MS, time_text
from shared.domain.tokens import Token
from shared.domain.trusted_publishing.claims import matches
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
from shared.domain.trusted_publishing.run_limits import refusal_clause
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.existing_organizations import existing_organization
from shared.services.tokens.makers import Makers
from shared.services.tokens.tokens import IssuedToken, TokenRecords, token_change

# Long enough for a build and a push; a longer job exchanges its id token later.
TOKEN_LIFETIME = timedelta(minutes=15)
# An id token is remembered after it expires, because the clocks of instances differ.
ID_TOKEN_REMEMBERED_FOR = timedelta(minutes=10)

# Publishers of one repository that are read if the job does not name an organization.
MAX_PUBLISHERS_READ = 100

_KIND = "id-token"
_SAY_WHICH = "This job publishes for {names}. Say for which one, as org."
_SAY_ANY = "Many jobs have this issuer. Say for which organization this one asks, as org."


MAX_WHY = 400  # Characters of why a package is refused; all its reasons, in most cases.

# What shell scripts send if they got no id token; `jq` prints null.
_NO_TOKEN = frozenset(("", "null"))
# What lets a job ask its provider for an id token.
_PERMISSIONS = {
    Provider.GITHUB: "the permission id-token: write",
    Provider.GITLAB: "id_tokens with aud: {audience}",
    Provider.AZURE_DEVOPS: "SYSTEM_ACCESSTOKEN: $(System.AccessToken) in the env of its step",
}

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


class _Verdict(Struct, frozen=True):
    """Why a publisher of the same job does not take a run, one clause for each reason; none where
    it takes it."""

    publisher: Publisher
    reasons: list[str]


class TrustedPublishing(Struct, frozen=True):
    """Exchanges the id tokens of CI jobs for tokens that may publish or read.

    An id token that its issuer hands out again and again may be exchanged for
    `publish_id_token_hours` after it was issued; all others are exchanged once.
    """

    jobs: JobTokenVerifier
    directory: DirectoryStore
    audited_writer: AuditedWriter
    metadata: MetadataStore
    makers: Makers
    token_records: TokenRecords
    work: WorkStore
    clock: Clock
    base_url: str
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
        if text.reveal().strip() in _NO_TOKEN:
            raise self._no_id_token()
        job = await self.jobs.read(text)
        # Whatever credential the request has, the principal is the job.
        principal = Principal(job.job.actor, _KIND, address=by.address, agent=by.agent)
        candidates = await (self._of_all(job) if org is None else self._of(org, job))
        verdicts = await self._verdicts(job, candidates)
        if not verdicts and job.job.is_of_pull_request:
            raise pull_request_refusal()
        publishers = [each.publisher for each in verdicts if not each.reasons]
        paused = [each.publisher for each in verdicts if each.reasons == [_PAUSED]]
        if paused and not publishers:
            refusal = self._paused(paused[0])
            await self._log_refusal(paused, refusal, job, principal)
            raise refusal
        if not publishers:
            refusal = self._refusal(job, verdicts)
            if org is not None:
                await self._log_refusal(candidates, refusal, job, principal)
            raise refusal
        organization = await self._organization(job, publishers)
        await self._use(job)
        refused = _refused_packages(_told(job, verdicts), organization)
        return await self._issue(job, organization, publishers, refused, principal)

    async def end(self, *, by: Principal) -> None:
        """End the token that `by` uses, everywhere within five seconds; a repeat changes nothing.

        Raises `credentials-missing`, and `NotPermitted` unless it is the token of a CI job.
        """
        if by.is_anonymous:
            raise credentials_missing()
        if by.provenance is None:
            reason = "only the token of a CI job ends by itself"
            way_out = f"Revoke access tokens at {self.base_url}/account/tokens."
            raise NotPermitted("end", "this credential", reason, way_out)
        with suppress(TokenNotFound):
            token = (await self.token_records.find(by.id, by.token)).token
            await self.token_records.revoke(token, token_change("ended", token), by=by)

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

    async def _verdicts(self, job: VerifiedJob, candidates: Sequence[Publisher]) -> list[_Verdict]:
        """Return what each publisher of the same job says of this run. A run of a pull request
        concerns only publishers that only read."""
        verdicts = [
            _Verdict(each, job_differences(each, job.job))
            for each in candidates
            if is_same_job(each, job.job)
            and (each.scopes is PublisherScopes.READ or not job.job.is_of_pull_request)
        ]
        fitting = [each.publisher for each in verdicts if not each.reasons]
        stored = await self._stored_reasons(fitting)
        return [
            replace(each, reasons=each.reasons or stored.get(each.publisher.id, []))
            for each in verdicts
        ]

    async def _stored_reasons(self, publishers: Sequence[Publisher]) -> dict[str, list[str]]:
        """Return why publishers do not take a run that their rules take, by their ids: another one
        created the package, or they stopped with their makers. Each maker is read once."""
        makers = sorted({(each.org, each.by) for each in publishers})
        heads, stops = await asyncio.gather(
            asyncio.gather(*(self._awaited(each) for each in publishers)),
            asyncio.gather(*(self.makers.stop(org, maker) for org, maker in makers)),
        )
        stopped = {each for each, stop in zip(makers, stops, strict=True) if stop is not None}
        reasons = {each.id: [_PAUSED] for each in publishers if (each.org, each.by) in stopped}
        for publisher, head in zip(publishers, heads, strict=True):
            if head is not None and publisher.id not in head.made_by:
                reasons[publisher.id] = [_MADE_BY_ANOTHER]
        return reasons

    async def _awaited(self, publisher: Publisher) -> Head | None:
        """Return the package that a publisher waits for, if it exists by now."""
        target = publisher.target
        if publisher.pending_until_ms is None or not isinstance(target, Package):
            return None
        return await self.metadata.head(target)

    async def _organization(
        self, job: VerifiedJob, publishers: Sequence[Publisher]
    ) -> Organization:
        keys = {each.org.lower() for each in publishers}
        if len(keys) > 1:
            names = ", ".join(sorted({each.org for each in publishers}))
            raise InvalidRequest(_SAY_WHICH.format(names=names))
        organization = await existing_organization(self.directory, keys.pop(), self.clock.now_ms())
        if organization is None:
            raise self._workload_unknown(job)
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
        refused: tuple[RefusedPackage, ...],
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
            provenance=_provenance(job, publishers),
            refused=refused,
            publishers_made_by=_makers(publishers),
            by_unknown_guest=any(each.by_guest and each.maker is None for each in publishers),
            by_guest=any(each.by_guest for each in publishers),
            only_versions=_only_versions(publishers, job),
        )
        return await self.token_records.issue(draft, by=by, details=_details_of_exchange(job))

    def _refusal(self, job: VerifiedJob, verdicts: Sequence[_Verdict]) -> Untrusted:
        if not verdicts:
            return self._workload_unknown(job)
        nearest = _nearest(_told(job, verdicts)) or _nearest(verdicts)[:1]
        clauses = (refusal_clause(str(each.publisher.target), _why(each)) for each in nearest)
        return Untrusted(
            "workload-differs",
            f"No trusted publisher takes this run: {'; '.join(clauses)}. Start a run as it asks "
            f"for, or ask an owner to change it at {self._page(nearest[0].publisher.org)}.",
        )

    def _paused(self, publisher: Publisher) -> Untrusted:
        return Untrusted(
            "publisher-paused",
            f"The trusted publisher of {publisher.target} is paused, since who made it is no owner "
            f"of {publisher.org} any more. An owner confirms it at {self._page(publisher.org)}.",
        )

    def _workload_unknown(self, job: VerifiedJob) -> Untrusted:
        return Untrusted(
            "workload-unknown",
            f"No package here is published by {job.job}. An owner of the organization adds it as a "
            f"trusted publisher, from {self.base_url}/account/organizations; names are not enough, "
            "the ids have to be the same.",
        )

    def _no_id_token(self) -> InvalidRequest:
        """Return the refusal that names what lets a job ask its provider for an id token."""
        known = [each for each in _PERMISSIONS if self.jobs.servers.get(each)]
        named = "".join(
            f" On {each.title} it needs {_PERMISSIONS[each].format(audience=self.base_url)}."
            for each in known
        )
        message = (
            f"There is no id token in the request: the provider of the job gave none.{named} "
            "Elsewhere, print what the provider answered."
        )
        return InvalidRequest(message)

    def _page(self, org: str) -> str:
        return f"{self.base_url}/account/organizations/{org}/publishers"

    async def _log_refusal(
        self, candidates: Sequence[Publisher], refusal: Untrusted, job: VerifiedJob, by: Principal
    ) -> None:
        """Write into the organization's audit log that a job with their subject was refused."""
        if candidates:
            change = _refused(candidates[0], refusal, job)
            await self.audited_writer.append(change, by=by)


_MADE_BY_ANOTHER = "it was created by another publisher or by a member"
_PAUSED = "it has a trusted publisher that is paused until an owner confirms it"


def _told(job: VerifiedJob, verdicts: Sequence[_Verdict]) -> list[_Verdict]:
    """Return the verdicts that the run is told. One of any issuer has no ids of a repository, so it
    is told of publishers that ask for a claim which it has, beside those of its customer."""
    return [
        each
        for each in verdicts
        if job.job.provider is not Provider.OIDC
        or any(
            matches(job.job.claims.get(name, ""), wanted)
            for name, wanted in each.publisher.claims.items()
            if name not in job.job.customer_claims
        )
    ]


def _nearest(verdicts: Sequence[_Verdict]) -> list[_Verdict]:
    """Return one verdict for each target that nothing takes, the nearest ones first."""
    taken = {str(each.publisher.target).lower() for each in verdicts if not each.reasons}
    nearest = dict[str, _Verdict]()
    for each in sorted(verdicts, key=lambda each: len(each.reasons)):
        nearest.setdefault(str(each.publisher.target).lower(), each)
    found = [each for target, each in nearest.items() if target not in taken]
    return found[:MAX_REFUSED_PACKAGES]


def _refused_packages(
    verdicts: Sequence[_Verdict], organization: Organization
) -> tuple[RefusedPackage, ...]:
    """Return the packages of the organization that the run may not publish, which only a run of the
    repository that their publishers name is told."""
    own = [
        each
        for each in verdicts
        if each.publisher.org.lower() == organization.key and each.publisher.package
    ]
    return tuple(
        RefusedPackage(package=each.publisher.package, why=_why(each)) for each in _nearest(own)
    )


def _why(verdict: _Verdict) -> str:
    why = "; ".join(verdict.reasons)
    return why if len(why) <= MAX_WHY else f"{why[: MAX_WHY - 3]}..."


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


def _provenance(job: VerifiedJob, publishers: Sequence[Publisher]) -> Provenance:
    run = job.job.provenance(*(each.id for each in publishers))
    return run.model_copy(update={"token_issuer": job.issuer})


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
