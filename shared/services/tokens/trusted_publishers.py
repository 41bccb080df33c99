"""Trusted publishers: the CI workflows that may publish a package, and how owners manage them."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import TypedDict

from msgspec import Struct, field
from msgspec.structs import replace

from shared.auth.authorization import Authorization
from shared.auth.secrets import random_text
from shared.domain.access_rights import require_right
from shared.domain.coordinates import Coordinate, Package
from shared.domain.entities import Place
from shared.domain.errors.base import Conflict, Forbidden, InvalidRequest, NotFound, about_field
from shared.domain.errors.identity import NotPermitted
from shared.domain.names import OrgName
from shared.domain.packages import Head, Pushers
from shared.domain.principals import Principal
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.domain.reasons import reason_for_change, with_reason
from shared.domain.releases import with_change
from shared.domain.scopes import Action, Resource, org_of
from shared.domain.times import MS
from shared.domain.trusted_publishing.claims import parse_claims, require_customer_claim
from shared.domain.trusted_publishing.issuers import parse_audience
from shared.domain.trusted_publishing.jobs import PROVIDER_SERVERS, PULL_REQUEST_TRIGGERS, Provider
from shared.domain.trusted_publishing.publisher_rules import PublisherRules
from shared.domain.trusted_publishing.publishers import (
    Publisher,
    PublisherReads,
    PublisherScopes,
    parse_job_ids,
    parse_repository,
    parse_run_claims,
)
from shared.domain.visibility import Visibility
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock, Randomness
from shared.runtime.retries import retried_when_stale, retried_with_back_off
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.identity.mail import DecisionMail
from shared.services.limits.rate_limits import RateLimiter
from shared.services.packages.package_records import PackageRecordWriter
from shared.services.public_packages import is_public
from shared.services.tokens.repository_ids import RepositoryIds
from shared.services.tokens.trusted_publishing import JobTokenVerifier, TrustedIssuer

PENDING_FOR = timedelta(days=30)  # A publisher of a package that does not exist yet.
PUBLISHER_ID_LENGTH = 10  # Base62, like the ids of tokens.
MAX_PUBLISHERS = 1_000  # Publishers of one organization.


class PublisherRequest(Struct, frozen=True):
    """A trusted publisher as its owner describes it.

    `package` is an organization for a publisher that only reads. One of an issuer of OpenID Connect
    has its address or label as `server`, and `audience` and `claims` instead of `ids` and `rules`.
    """

    package: Resource
    provider: Provider
    ids: Mapping[str, str]
    server: str = ""
    repository: str = ""
    rules: Mapping[str, object] = field(default_factory=dict[str, object])
    audience: str = ""
    claims: Mapping[str, str] = field(default_factory=dict[str, str])
    scopes: PublisherScopes = PublisherScopes.PUBLISH
    reads: PublisherReads | None = None  # None: nothing if it publishes.


_ENTRA = (
    "Identities of Entra ID are publishers of any issuer. Leave the ids out, choose the provider "
    "oidc with the issuer of your tenant, and name claims."
)


class _ClaimFields(TypedDict):
    audience: str
    claims: dict[str, str]


class TrustedPublishers(Struct, frozen=True):
    """Manages the trusted publishers of packages; a change takes a recent sign-in."""

    authorization: Authorization
    directory: DirectoryStore
    audited_writer: AuditedWriter
    metadata: MetadataStore
    package_records: PackageRecordWriter
    clock: Clock
    randomness: Randomness
    jobs: JobTokenVerifier
    base_url: str
    repository_ids: RepositoryIds
    rate_limiter: RateLimiter
    decision_mail: DecisionMail

    @property
    def servers(self) -> Mapping[Provider, frozenset[str]]:
        """The servers whose jobs may be publishers, by provider."""
        return self.jobs.servers

    async def of_organization(self, org: OrgName, *, by: Principal) -> list[Publisher]:
        """Return the organization's publishers to its owners, without expired ones."""
        await self.authorization.require_to_read(by, Action.MANAGE, org)
        return await self._all(org)

    async def add(self, wanted: PublisherRequest, *, by: Principal) -> Publisher:
        """Let a CI workflow publish a package, which its first push creates if it does not exist,
        or read those of an organization.

        Raises `InvalidRequest` for rules that exclude nobody, and `publisher-exists`.
        """
        target = wanted.package
        await self.authorization.require_in_organization(by, Action.GOVERN, target)
        head = await self.metadata.head(target) if isinstance(target, Package) else None
        public = head is not None and head.visibility is Visibility.PUBLIC
        return await self._add(self._new(wanted, head, by), by, public=public)

    async def described(self, wanted: PublisherRequest, *, by: Principal) -> Publisher:
        """Return the publisher that `add` would store, or raise as it does for what is wanted;
        callers check rights."""
        target = wanted.package
        head = await self.metadata.head(target) if isinstance(target, Package) else None
        return self._new(wanted, head, by)

    @retried_with_back_off
    async def _add(self, publisher: Publisher, by: Principal, *, public: bool) -> Publisher:
        details = {"publisher": publisher.id, **publisher.ids, **_details(publisher)}
        subject = str(publisher.target)
        change = EntityChange(
            "publisher.added", subject, org=publisher.org, details=details, public=public
        )
        return await self.audited_writer.add_checked(
            publisher, check=partial(self._check_limit, publisher), change=change, by=by
        )

    async def add_repository(self, wanted: PublisherRequest, *, by: Principal) -> Publisher:
        """Add a publisher whose ids are looked up by the name of its repository, under the name
        that this has now.

        Raises as `add` does, `InvalidRequest` for a repository that is not found, `look-up-limited`
        and `TooManyRequests`. Only servers of the operator are called, and only for callers who may
        add the publisher.
        """
        await self.authorization.require_in_organization(by, Action.GOVERN, wanted.package)
        _check_scopes(wanted.package, wanted.scopes)
        server = self._server(wanted)
        # Providers limit the requests of this registry, whoever of its owners causes them.
        await self.rate_limiter.check(RateLimitClass.LOOK_UP, RateLimitKeys.of(by))
        found = await self.repository_ids.find(wanted.provider, server, wanted.repository)
        return await self.add(replace(wanted, ids=found.ids, repository=found.name), by=by)

    @retried_when_stale
    async def confirm(self, org: OrgName, publisher_id: str, *, by: Principal) -> Publisher:
        """Make `by` the maker of a publisher, whose jobs publish while `by` is an owner; a repeat
        changes nothing."""
        await self.authorization.require_in_organization(by, Action.GOVERN, org)
        publisher = await self._require(org, publisher_id)
        public = await is_of_public_package(self.metadata, publisher)
        return await confirm_publisher(self.audited_writer, publisher, by, by=by, public=public)

    @retried_when_stale
    async def remove(
        self, org: OrgName, publisher_id: str, *, by: Principal, reason: str = ""
    ) -> None:
        """Remove a publisher; tokens that its jobs got before expire within minutes.

        Administrators who do not own the organization say a `reason`.
        """
        access = await self.authorization.require_in_organization(by, Action.GOVERN, org)
        publisher = await self._require(org, publisher_id)
        require_right(by, access, Action.GOVERN, publisher.target)
        what = f"the trusted publisher {publisher.id} of {publisher.target}"
        reason = reason_for_change(by, access, reason, f"removing {what}")
        public = await is_of_public_package(self.metadata, publisher)
        change = publisher_removal(publisher, reason, public=public)
        await self.audited_writer.remove(publisher, change=change, by=by)
        await self.decision_mail.send_if_from_outside(by, access, f"{what} is removed", reason)

    async def restrict_pushers(
        self, package: Package, pushers: Pushers, *, by: Principal, reason: str = ""
    ) -> Head:
        """Set who may push to the package: members and trusted publishers, or only trusted
        publishers. Administrators who do not own its organization give a `reason` for the latter.
        """
        access = await self.authorization.require_in_organization(by, Action.GOVERN, package)
        stated_reason = ""
        if pushers is Pushers.PUBLISHERS:
            what = f"leaving {package} to its trusted publishers"
            stated_reason = reason_for_change(by, access, reason, what)
            await self._check_published(package)
        is_changed = False

        def decide(head: Head) -> Head:
            nonlocal is_changed
            if head.pushers is pushers:
                return head
            is_changed = True
            kind = "package.pushers-changed"
            now_ms = self.clock.now_ms()
            return with_change(
                head, kind, by=by, now_ms=now_ms, reason=stated_reason, pushers=pushers
            )

        head = await self.package_records.change_package(package, decide)
        if stated_reason and is_changed:
            what = f"{package} is published by its trusted publishers alone"
            await self.decision_mail.send_if_from_outside(by, access, what, stated_reason)
        return head

    async def bind(self, head: Head, *, by: Principal) -> None:
        """Bind the pending publisher whose push creates the package to it.

        Called before the release is stored, so that a repeated push finds it done or does it. One
        read if the publisher's token created the package, and none otherwise.
        """
        ids = by.provenance.publishers if by.provenance else ()
        creators = frozenset(ids) & frozenset(head.made_by)
        if creators:
            await self._bind(head, creators, by)

    @retried_when_stale
    async def _bind(self, head: Head, creators: frozenset[str], by: Principal) -> None:
        package = head.package
        for publisher in await self.directory.list_by_owner(Publisher, package.org.lower()):
            if publisher.id in creators and publisher.is_pending_for(package):
                fields = {"pending_until_ms": None, "package": package.name}
                bound = publisher.model_copy(update=fields)
                details = {"publisher": publisher.id}
                change = EntityChange(
                    "publisher.bound",
                    str(package),
                    org=package.org,
                    details=details,
                    public=head.visibility is Visibility.PUBLIC,
                )
                await self.audited_writer.replace(bound, change=change, by=by)

    def _new(self, wanted: PublisherRequest, head: Head | None, by: Principal) -> Publisher:
        target = head.package if head else wanted.package
        _check_scopes(target, wanted.scopes)
        now_ms = self.clock.now_ms()
        is_pending = isinstance(target, Package) and head is None
        server = self._server(wanted)
        ids = parse_job_ids(wanted.provider, wanted.ids)
        rules = PublisherRules.parse(wanted.provider, wanted.rules)
        _check_reading(wanted, rules)
        is_reader = wanted.scopes is PublisherScopes.READ
        default = PublisherReads.ORGANIZATION if is_reader else PublisherReads.NONE
        return Publisher(
            id=random_text(self.randomness, PUBLISHER_ID_LENGTH),
            org=org_of(target),
            package=target.name if isinstance(target, Package) else "",
            provider=wanted.provider,
            server=server,
            ids=ids,
            repository=parse_repository(wanted.repository),
            rules=rules,
            scopes=wanted.scopes,
            reads=wanted.reads or default,
            pull_requests=is_reader and wanted.provider in PULL_REQUEST_TRIGGERS,
            created_ms=now_ms,
            by=by.id,
            by_guest=by.is_guest,
            pending_until_ms=now_ms + PENDING_FOR // MS if is_pending else None,
            **self._claims(wanted, server),
        )

    def _claims(self, wanted: PublisherRequest, server: str) -> _ClaimFields:
        """Return the audience and the claims of a publisher of any issuer."""
        if wanted.provider is not Provider.OIDC:
            _check_no_audience(wanted)
            claims = parse_run_claims(wanted.provider, wanted.claims)
            return _ClaimFields(audience="", claims=claims)
        issuer = next(each for each in self.jobs.named_issuers if each.issuer == server)
        claims = parse_claims(wanted.claims)
        require_customer_claim(claims, issuer.traits.customer_claims, issuer.label)
        audience = parse_audience(wanted.audience, self.base_url, issuer.traits)
        return _ClaimFields(audience=audience, claims=claims)

    def _named_issuer(self, wanted: PublisherRequest) -> TrustedIssuer:
        named = self.jobs.named_issuers
        for each in named:
            if wanted.server in (each.label, each.issuer):
                return each
        known = " and ".join(f"{each.label} ({each.issuer})" for each in named) or "none"
        message = (
            f"This registry takes no tokens of the issuer {wanted.server[:80]!r}; it knows "
            f"{known}. Ask the operator to add yours to BALLROOM_PUBLISH_FROM_ISSUERS."
        )
        with about_field("issuer"):
            raise InvalidRequest(message)

    def _server(self, wanted: PublisherRequest) -> str:
        if wanted.provider is Provider.OIDC:
            return self._named_issuer(wanted).issuer
        if wanted.provider is Provider.ENTRA:
            with about_field("provider"):
                raise InvalidRequest(_ENTRA)
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
            if publisher_identity(each) == publisher_identity(wanted):
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
        if not any(each.publishes(package) for each in publishers):
            message = (
                f"{package} has no trusted publisher, so nobody could push to it. Add one first."
            )
            raise InvalidRequest(message)

    async def _all(self, org: OrgName) -> list[Publisher]:
        now_ms = self.clock.now_ms()
        found = await self.directory.list_by_owner(Publisher, org.lower())
        return [each for each in found if each.ends_ms is None or each.ends_ms > now_ms]

    async def _require(self, org: OrgName, publisher_id: str) -> Publisher:
        publisher = await self._get(org, publisher_id)
        if publisher is None:
            raise NotFound(
                "publisher-not-found",
                f"trusted publisher not found: {publisher_id}. List the organization's to see "
                "their ids.",
            )
        return publisher

    async def _get(self, org: OrgName, publisher_id: str) -> Publisher | None:
        if not (publisher_id.isascii() and publisher_id.isalnum()):
            return None  # It is no id of ours, and not every store could look it up.
        return await self.directory.get(Publisher, Place(org.lower(), publisher_id))


async def is_of_public_package(metadata: MetadataStore, publisher: Publisher) -> bool:
    """Check whether it publishes a package that everybody may read; others only read."""
    target = publisher.target
    return isinstance(target, Package) and await is_public(metadata, target)


async def confirm_publisher(
    writer: AuditedWriter, publisher: Publisher, maker: Principal, *, by: Principal, public: bool
) -> Publisher:
    """Store the maker of a publisher; raise `Stale`. Callers check rights, and say whether its
    package is public."""
    if publisher.by == maker.id:
        return publisher
    details = {"publisher": publisher.id, **_details(publisher)}
    subject = str(publisher.target)
    change = EntityChange(
        "publisher.confirmed", subject, org=publisher.org, details=details, public=public
    )
    confirmed = publisher.model_copy(update={"by": maker.id, "by_guest": maker.is_guest})
    return await writer.replace(confirmed, change=change, by=by)


def publisher_removal(publisher: Publisher, reason: str, *, public: bool) -> EntityChange:
    """Return the change of a publisher that is removed, whoever removes it; `public` is whether its
    package is."""
    details = {"publisher": publisher.id, **_details(publisher), **with_reason(reason)}
    subject = str(publisher.target)
    return EntityChange(
        "publisher.removed", subject, org=publisher.org, details=details, public=public
    )


def check_pusher(head: Head, by: Principal) -> None:
    """Raise `publishers-alone` for a stored token, if only trusted publishers may push."""
    if head.pushers is Pushers.PUBLISHERS and by.provenance is None:
        raise Forbidden(
            "publishers-alone",
            f"{head.package} is published by its trusted publishers alone, so no stored token can "
            "push to it. Publish from the workflow, or ask an owner to open it for members.",
        )


def check_tag(coordinate: Coordinate, by: Principal) -> None:
    """Raise `version-not-tagged` for a job that publishes another version than that of its tag."""
    versions = by.only_versions.get(coordinate.package.key)
    if versions is None or coordinate.version.text in versions:
        return
    ref = by.provenance.ref if by.provenance else ""
    raise Forbidden(
        "version-not-tagged",
        f"This run of {ref} may publish {' or '.join(versions)} of {coordinate.package}, and its "
        f"Ballerina.toml says {coordinate.version}. Set the version that the tag names, or push "
        "another tag.",
    )


def _check_scopes(target: Resource, scopes: PublisherScopes) -> None:
    if scopes is PublisherScopes.READ and isinstance(target, Package):
        message = (
            f"A publisher that only reads is for all packages of {target.org}. Leave the package "
            "out, or let it publish."
        )
    elif scopes is PublisherScopes.PUBLISH and not isinstance(target, Package):
        message = "A publisher publishes one package. Enter its name, or choose the scopes read."
    else:
        return
    with about_field("package"):
        raise InvalidRequest(message)


def _check_reading(wanted: PublisherRequest, rules: PublisherRules) -> None:
    """Raise for a publisher that only reads, and would read nothing or publish a version."""
    if wanted.scopes is not PublisherScopes.READ:
        return
    if wanted.reads is PublisherReads.NONE:
        message = "A publisher that only reads has to read the organization. Leave reads out."
        with about_field("reads"):
            raise InvalidRequest(message)
    if rules.tag_version:
        message = (
            "A publisher that only reads publishes no version. Leave the tag of the version out."
        )
        with about_field("tag_version"):
            raise InvalidRequest(message)


def _check_no_audience(wanted: PublisherRequest) -> None:
    if wanted.audience:
        message = (
            f"The audience of {wanted.provider.title} is the same for all publishers. Leave "
            "audience and claims out, or choose the provider oidc."
        )
        with about_field("audience"):
            raise InvalidRequest(message)


def publisher_identity(publisher: Publisher) -> object:
    """Return the fields that no two publishers of an organization may share."""
    target = str(publisher.target).lower()
    claims = publisher.audience, publisher.claims
    return target, publisher.server, publisher.ids, publisher.rules, publisher.scopes, claims


def _details(publisher: Publisher) -> dict[str, str]:
    rules = publisher.rules
    described = {
        "provider": publisher.provider.value,
        "repository": publisher.repository,
        "workflow": rules.workflow,
        "reusable_workflow": rules.reusable_workflow,
        "refs": " ".join(rules.refs),
        "tag_version": rules.tag_version,
        "environment": rules.environment,
        "protected": "yes" if rules.protected else "",
        "runner": rules.runner.value if rules.runner else "",
        "issuer": publisher.issuer,
        "audience": publisher.audience,
        "claims": " ".join(f"{name}={value}" for name, value in publisher.claims.items()),
        "scopes": "read" if publisher.scopes is PublisherScopes.READ else "",
        "reads": publisher.reads.value,
    }
    return {name: value for name, value in described.items() if value}
