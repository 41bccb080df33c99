"""Trusted publishers: which jobs of CI systems may publish a package, without a stored secret."""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import ClassVar

from pydantic import Field

from shared.domain.coordinates import Package
from shared.domain.entities import Entity, Place
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.ids import is_id
from shared.domain.names import OrgName
from shared.domain.scopes import Resource
from shared.domain.trusted_publishing.claims import (
    check_claims,
    claim_differences,
    is_same_customer,
)
from shared.domain.trusted_publishing.jobs import (
    ID_CLAIMS,
    REPOSITORY_ID,
    RUN_CLAIMS,
    CiJob,
    Provider,
    job_subject,
)
from shared.domain.trusted_publishing.publisher_rules import (
    PublisherRules,
    rule_differences,
    rule_warnings,
    shown_value,
    whom_rules_include,
)

MAX_REPOSITORY_LENGTH = 255  # Characters.


class PublisherScopes(Enum):
    """What the token of a job may do."""

    PUBLISH = "publish"
    READ = "read"  # The packages of the organization that are not public, and nothing else.


class PublisherReads(Enum):
    """Which packages that are not public the token of a job reads, besides those it publishes."""

    NONE = "none"
    ORGANIZATION = "organization"  # What the members of the organization read.


class Publisher(Entity):
    """A CI job that may publish one package, or read those of an organization, and the rules for
    its runs.

    Until `pending_until_ms` its package need not exist: its first push creates it. A publisher that
    only reads has no package. One of any issuer of OpenID Connect has the issuer as `server`, and
    an audience and claims instead of ids and rules.
    """

    kind: ClassVar[str] = "publisher"

    id: str
    org: str
    package: str
    provider: Provider
    server: str
    ids: dict[str, str]
    repository: str = ""
    rules: PublisherRules = Field(default_factory=PublisherRules)
    audience: str = ""
    claims: Mapping[str, str] = {}  # Exact values and patterns.
    scopes: PublisherScopes = PublisherScopes.PUBLISH
    reads: PublisherReads = PublisherReads.ORGANIZATION  # What earlier versions stored reads all.
    pull_requests: bool = False  # It only reads, and takes runs of pull requests as well.
    created_ms: int
    by: str = ""  # The account that made or confirmed it; empty for old ones.
    by_guest: bool = False  # When it was made.
    pending_until_ms: int | None = None

    @property
    def place(self) -> Place:
        return Place(self.org.lower(), self.id)

    @property
    def subject(self) -> str:
        """The key by which a job finds its publishers: provider, ids and server."""
        return job_subject(self.provider, self.ids, self.server)

    @property
    def issuer(self) -> str:
        """The issuer of OpenID Connect; empty for the CI systems that are known by name."""
        return self.server if self.provider is Provider.OIDC else ""

    @property
    def ends_ms(self) -> int | None:
        """When it expires, while its package does not exist."""
        return self.pending_until_ms

    @property
    def maker(self) -> str | None:
        """The account with which it stops, and that decides whether its jobs are of staff; None
        where none is known, or the operator made it: then `by_guest` decides."""
        return self.by if is_id(self.by) else None

    @property
    def target(self) -> Resource:
        """What the jobs of the publisher publish or read: a package, or an organization."""
        if self.scopes is PublisherScopes.READ:
            return OrgName(self.org)
        return Package.parse(self.org, self.package)

    def publishes(self, package: Package) -> bool:
        """Check whether its jobs may push to the package."""
        target = self.target
        return isinstance(target, Package) and target.key == package.key

    def is_pending_for(self, package: Package) -> bool:
        """Check whether its first push creates the package."""
        return self.pending_until_ms is not None and self.publishes(package)


def is_same_job(publisher: Publisher, job: CiJob) -> bool:
    """Compare a publisher with a job by its ids only; names do not count. Jobs of any issuer are
    compared by the claims that only one of its customers can have."""
    if (publisher.provider, publisher.server) != (job.provider, job.server):
        return False
    if _ids_of_job(publisher.ids) != _ids_of_job(job.ids):
        return False
    is_any = job.provider is Provider.OIDC
    return not is_any or is_same_customer(publisher.claims, job.claims, job.customer_claims)


def _ids_of_job(ids: Mapping[str, str]) -> dict[str, str]:
    """Return the ids without that of the repository, to which a job can be pointed."""
    return {claim: value for claim, value in ids.items() if claim != REPOSITORY_ID}


def publisher_flaws(publisher: Publisher) -> list[str]:
    """Return why a publisher that an earlier version stored would not be added today, a sentence
    for each reason."""
    if publisher.provider is Provider.ENTRA:
        return [_ENTRA]
    included = whom_rules_include(publisher.provider, publisher.rules)
    is_pointed = publisher.provider is Provider.AZURE_DEVOPS and REPOSITORY_ID not in publisher.ids
    return [*([included] if included else ()), *([_REPOSITORY_UNKNOWN] if is_pointed else ())]


def publisher_warnings(publisher: Publisher) -> list[str]:
    """Return what owners should know of a publisher, a sentence each."""
    return [*publisher_flaws(publisher), *rule_warnings(publisher.rules)]


_ENTRA = (
    "Tokens of Entra ID are no jobs here any more, so it publishes nothing. Remove it, and add a "
    "publisher of the issuer of your tenant."
)
_REPOSITORY_UNKNOWN = (
    "Its definition can be pointed at another repository, whose code it then publishes. Add a "
    f"publisher with the {REPOSITORY_ID} of the repository, and remove this one."
)


def job_differences(publisher: Publisher, job: CiJob) -> list[str]:
    """Return why a publisher of the same job does not take this run, one clause for each reason;
    none where it takes it."""
    if publisher.provider is not Provider.OIDC:
        return [
            *_differences_of_pull_request(publisher, job),
            *_differences_of_repository(publisher.ids, job.ids),
            *rule_differences(publisher.rules, job),
            *claim_differences(publisher.claims, job.claims),
        ]
    return [
        *_differences_of_audience(publisher.audience, job.audiences),
        *claim_differences(publisher.claims, job.claims),
    ]


def _differences_of_pull_request(publisher: Publisher, job: CiJob) -> Iterator[str]:
    if job.is_of_pull_request and publisher.scopes is not PublisherScopes.READ:
        yield "it belongs to a pull request, whose runs may only read"
    elif job.is_of_pull_request and not publisher.pull_requests:
        yield "it belongs to a pull request, and the publisher is older than such runs"


def _differences_of_repository(wanted: Mapping[str, str], ids: Mapping[str, str]) -> Iterator[str]:
    # Publishers of earlier versions do not name it.
    wanted_id = wanted.get(REPOSITORY_ID)
    actual = ids.get(REPOSITORY_ID, "")
    if wanted_id and wanted_id != actual:
        yield f"its repository has the {REPOSITORY_ID} {shown_value(actual)}, not {wanted_id}"


def _differences_of_audience(wanted: str, audiences: tuple[str, ...]) -> Iterator[str]:
    # A token with further audiences could have been sent by another service.
    if audiences != (wanted,):
        yield f"its audience is {shown_value(' '.join(audiences))}, not {wanted} alone"


def parse_run_claims(provider: Provider, claims: Mapping[str, str]) -> dict[str, str]:
    """Return the claims that the runs of a CI system are to have, or raise `InvalidRequest`."""
    known = RUN_CLAIMS[provider]
    other = sorted(set(claims) - set(known))
    if other:
        those = f", and {', '.join(known)} can be some" if known else ""
        message = (
            f"The claim {other[0][:80]} is no rule of {provider.title}{those}. Leave audience and "
            "claims out, or choose the provider oidc."
        )
        with about_field("claims"):
            raise InvalidRequest(message)
    return check_claims(claims)


def parse_repository(repository: str) -> str:
    """Return the display name of a repository, or raise `InvalidRequest`."""
    if not repository.isprintable() or len(repository) > MAX_REPOSITORY_LENGTH:
        message = (
            f"The name of a repository is a line of {MAX_REPOSITORY_LENGTH} characters at most, "
            "such as octo/greet. It decides nothing, and may be left out."
        )
        with about_field("repository"):
            raise InvalidRequest(message)
    return repository


def parse_job_ids(provider: Provider, ids: Mapping[str, str]) -> dict[str, str]:
    """Return the ids of a job, which must be complete, or raise `InvalidRequest`."""
    wanted = ID_CLAIMS[provider]
    lowered = {claim: value.strip().lower() for claim, value in ids.items()}
    fit = [claim for claim, form in wanted.items() if re.fullmatch(form, lowered.get(claim, ""))]
    wrong = sorted((lowered.keys() | wanted.keys()) - set(fit))
    if wrong and not wanted:
        message = (
            "A publisher of any issuer is known by claims. Leave the ids out, and name claims."
        )
        with about_field("ids"):
            raise InvalidRequest(message)
    if wrong:
        message = (
            f"A publisher of {provider.title} is known by {' and '.join(wanted)}, which never "
            f"change. {' and '.join(wrong)}: copy each id from the provider, and no name."
        )
        with about_field(wrong[0]):
            raise InvalidRequest(message)
    return {claim: lowered[claim] for claim in wanted}
