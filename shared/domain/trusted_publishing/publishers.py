"""Trusted publishers: which jobs of CI systems may publish a package, without a stored secret."""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from fnmatch import fnmatchcase
from typing import ClassVar, Self

from shared.domain.accounts import is_id
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.names import OrgName, Package
from shared.domain.principals import Resource
from shared.domain.records import Entity, Place, Record
from shared.domain.trusted_publishing.claims import claim_differences, is_same_customer
from shared.domain.trusted_publishing.jobs import ID_CLAIMS, CiJob, Provider, job_subject

MAX_REFS = 10  # Per publisher.

# The facts in a provider's tokens that a rule can require.
RULE_NAMES = {
    Provider.GITHUB: frozenset(
        {"workflow", "reusable_workflow", "refs", "environment", "protected"}
    ),
    Provider.GITLAB: frozenset({"workflow", "refs", "environment", "protected"}),
    Provider.AZURE_DEVOPS: frozenset({"refs"}),
    Provider.ENTRA: frozenset[str](),
    Provider.OIDC: frozenset[str](),  # Its rules are claims.
}
# One of these excludes people who may only push a branch, which can hold a workflow of their own.
_GUARDS = frozenset({"refs", "environment", "protected"})

_NAMES = {
    "workflow": re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*\.ya?ml"),
    # With its ref, because who can move the ref decides what publishes. A commit never moves.
    "reusable_workflow": re.compile(
        r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+/\.github/workflows/[A-Za-z0-9_.-]+\.ya?ml"
        r"@(?:refs/(?:heads|tags)/[A-Za-z0-9_.+*?/-]{1,200}|[0-9a-f]{40})"
    ),
    "environment": re.compile(r"[^\x00-\x1f\x7f]{1,255}"),
}
# Patterns are for branches and tags, so that they match no pull request.
_REF = re.compile(r"refs/(?:heads|tags)/[A-Za-z0-9_.+*?/-]{1,200}")


class PublisherRules(Record):
    """Which runs of a repository may publish; what is empty is not asked for."""

    workflow: str = ""
    reusable_workflow: str = ""
    refs: tuple[str, ...] = ()
    environment: str = ""
    protected: bool = False

    @classmethod
    def parse(cls, provider: Provider, rules: Mapping[str, object]) -> Self:
        """Parse rules that exclude strangers, or raise `InvalidRequest`."""
        asked = {name: value for name, value in rules.items() if value}
        _check_names(provider, asked)
        parsed = cls.model_validate(asked)
        _check_forms(parsed)
        if _GUARDS & RULE_NAMES[provider] and not _GUARDS & set(asked):
            raise InvalidRequest(_UNGUARDED)
        if provider is Provider.GITHUB and not parsed.workflow:
            raise InvalidRequest(_NO_WORKFLOW)
        return parsed


def _check_names(provider: Provider, asked: Mapping[str, object]) -> None:
    unknown = sorted(set(asked) - RULE_NAMES[provider])
    if unknown:
        what = unknown[0].replace("_", " ")
        message = (
            f"Tokens of {provider.title} do not say the {what} of a run, so it cannot be a rule. "
            "Leave it out."
        )
        raise InvalidRequest(message)


def _check_forms(rules: PublisherRules) -> None:
    for name, form in _NAMES.items():
        value: str = getattr(rules, name)
        if value and not form.fullmatch(value):
            what = name.replace("_", " ")
            message = f"{value[:80]!r} is no {what}. Write its name, such as {_EXAMPLES[name]}."
            with about_field(name):
                raise InvalidRequest(message)
    wrong = [ref for ref in rules.refs if not _REF.fullmatch(ref)]
    if wrong or len(rules.refs) > MAX_REFS:
        what = f"{wrong[0][:80]!r} is no ref" if wrong else f"There are more than {MAX_REFS} refs"
        message = f"{what}. Write refs/heads/main, or refs/tags/v* for all such tags."
        with about_field("refs"):
            raise InvalidRequest(message)


_EXAMPLES = {
    "workflow": "release.yml",
    "reusable_workflow": "octo/ci/.github/workflows/publish.yml@refs/tags/v1",
    "environment": "release",
}
_UNGUARDED = (
    "Anybody who may push a branch could publish with these rules. Name a ref or an environment, "
    "or ask for a protected ref."
)
_NO_WORKFLOW = (
    "A publisher of GitHub Actions names its workflow. Write its file, such as release.yml."
)


def rule_differences(rules: PublisherRules, job: CiJob) -> list[str]:
    """Return why the rules exclude a run, one clause for each reason."""
    return [*_differences_of_workflow(rules, job), *_differences_of_run(rules, job)]


def _differences_of_workflow(rules: PublisherRules, job: CiJob) -> Iterator[str]:
    wanted, actual = rules.reusable_workflow, job.defined_elsewhere
    if rules.workflow and rules.workflow != job.workflow:
        yield _asked("workflow", rules.workflow, job.workflow)
    if wanted and not _fits(actual, wanted):
        yield _asked("reusable workflow", wanted, actual)
    if actual and not wanted:
        yield f"it is defined by {_shown(actual)}, not by its repository at this ref"


def _differences_of_run(rules: PublisherRules, job: CiJob) -> Iterator[str]:
    shown = _shown(job.environment)
    if rules.refs and not any(_fits(job.ref, pattern) for pattern in rules.refs):
        yield _asked("ref", " or ".join(rules.refs), job.ref)
    if rules.environment and not _is_environment(rules, job):
        yield _asked("environment", rules.environment, job.environment)
    # Then only the environment excludes people who may push a branch.
    rests_on_environment = rules.environment and not rules.refs and not rules.protected
    if rests_on_environment and job.environment_is_unprotected:
        yield f"its environment {shown} is not protected, and the publisher asks for no ref"
    if rules.protected and not job.protected:
        yield f"its ref {_shown(job.ref)} is not protected"


def _is_environment(rules: PublisherRules, job: CiJob) -> bool:
    # Names of environments ignore case at GitHub, and not at others.
    if job.provider is Provider.GITHUB:
        return rules.environment.lower() == job.environment.lower()
    return rules.environment == job.environment


def _fits(ref: str, pattern: str) -> bool:
    """Match a ref against a pattern part by part: no wildcard matches a slash."""
    parts, patterns = ref.split("/"), pattern.split("/")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


def _asked(what: str, wanted: str, actual: str) -> str:
    """Return why a run does not do; "it" is the package, or its publisher."""
    return f"it asks for the {what} {wanted}, and this run has {_shown(actual)}"


def _shown(value: str) -> str:
    return repr(value[:80]) if value else "none"


MAX_REPOSITORY_LENGTH = 255  # Characters.


class PublisherScopes(Enum):
    """What the token of a job may do."""

    PUBLISH = "publish"
    READ = "read"  # The packages of the organization that are not public, and nothing else.


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
    rules: PublisherRules = PublisherRules()
    audience: str = ""
    claims: Mapping[str, str] = {}  # Exact values and patterns.
    scopes: PublisherScopes = PublisherScopes.PUBLISH
    created_ms: int
    by: str = ""  # The account that made or confirmed it; empty for old ones.
    by_guest: bool = False  # When it was made.
    pending_until_ms: int | None = None

    @property
    def place(self) -> Place:
        return Place(self.org.lower(), self.id)

    @property
    def subject(self) -> str:
        """The key by which its jobs find it."""
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
        """What its jobs publish or read."""
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
    known = (publisher.provider, publisher.server, publisher.ids)
    if known != (job.provider, job.server, job.ids):
        return False
    is_any = job.provider is Provider.OIDC
    return not is_any or is_same_customer(publisher.claims, job.claims, job.customer_claims)


def job_differences(publisher: Publisher, job: CiJob) -> list[str]:
    """Return why a publisher of the same job does not take this run, one clause for each reason;
    none where it takes it."""
    if publisher.provider is not Provider.OIDC:
        return rule_differences(publisher.rules, job)
    return [
        *_differences_of_audience(publisher.audience, job.audiences),
        *claim_differences(publisher.claims, job.claims),
    ]


def _differences_of_audience(wanted: str, audiences: tuple[str, ...]) -> Iterator[str]:
    # A token with further audiences could have been sent by another service.
    if audiences != (wanted,):
        yield f"its audience is {_shown(' '.join(audiences))}, not {wanted} alone"


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
