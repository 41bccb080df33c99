"""Trusted publishers: which jobs of CI systems may publish a package, without a stored secret."""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import ClassVar, Self

from pydantic import Field

from shared.domain.coordinates import Package
from shared.domain.entities import Entity, Place
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.ids import is_id
from shared.domain.names import OrgName
from shared.domain.records import Record
from shared.domain.scopes import Resource
from shared.domain.trusted_publishing.claims import (
    check_claims,
    claim_differences,
    is_same_customer,
)
from shared.domain.trusted_publishing.jobs import (
    ID_CLAIMS,
    OLDEST_GITLAB,
    REPOSITORY_ID,
    RUN_CLAIMS,
    RUNNER_CLAIM,
    RUNNERS_OF_PROVIDERS,
    UNTOLD,
    CiJob,
    Provider,
    job_subject,
)
from shared.domain.trusted_publishing.refs import (
    BRANCHES,
    TAGS,
    VERSION,
    fits,
    names_nothing,
    tagged_version,
)

MAX_REFS = 10  # Per publisher.

# The facts in a provider's tokens that a rule can require.
RULE_NAMES = {
    Provider.GITHUB: frozenset(
        {
            "workflow",
            "reusable_workflow",
            "refs",
            "tag_version",
            "environment",
            "protected",
            "runner",
        }
    ),
    Provider.GITLAB: frozenset(
        {"workflow", "refs", "tag_version", "environment", "protected", "runner"}
    ),
    Provider.AZURE_DEVOPS: frozenset({"refs", "tag_version"}),
    Provider.ENTRA: frozenset[str](),
    Provider.OIDC: frozenset[str](),  # Its rules are claims.
}
DEFAULT_TAG_VERSION = f"v{VERSION}"

_NAMES = {
    "workflow": re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*\.ya?ml"),
    # The ref is required, because who can move it decides what publishes. A commit never moves.
    "reusable_workflow": re.compile(
        r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+/\.github/workflows/[A-Za-z0-9_.-]+\.ya?ml"
        r"@(?:refs/(?:heads|tags)/[A-Za-z0-9_.+*?/-]{1,200}|[0-9a-f]{40})"
    ),
    "environment": re.compile(r"[^\x00-\x1f\x7f]{1,255}"),
}
_TAG = re.compile(r"[A-Za-z0-9_.+/-]{0,100}\{version\}[A-Za-z0-9_.+/-]{0,100}")
# Patterns are for branches and tags, so that they match no pull request.
_REF = re.compile(r"refs/(?:heads|tags)/[A-Za-z0-9_.+*?/-]{1,200}")


class Runner(Enum):
    """Whose machines run a job."""

    PROVIDER = "provider"  # Machines of the CI system, not self-hosted ones.


class PublisherRules(Record):
    """Which runs of a repository may publish; what is empty is not asked for.

    `tag_version` is the name of a tag with `{version}` in it: a run publishes that version alone.
    """

    workflow: str = ""
    reusable_workflow: str = ""
    refs: tuple[str, ...] = ()
    tag_version: str = ""
    environment: str = ""
    protected: bool = False
    runner: Runner | None = None

    @classmethod
    def parse(cls, provider: Provider, rules: Mapping[str, object]) -> Self:
        """Parse rules that exclude strangers, or raise `InvalidRequest`."""
        asked = {name: value for name, value in rules.items() if value}
        _check_names(provider, asked)
        parsed = cls.model_validate(asked)
        _check_forms(parsed)
        open_to = whom_rules_include(provider, parsed)
        if open_to:
            raise InvalidRequest(open_to)
        if provider is Provider.GITHUB and not parsed.workflow:
            raise InvalidRequest(_NO_WORKFLOW)
        return parsed


def whom_rules_include(provider: Provider, rules: PublisherRules) -> str:
    """Return a sentence about the people who could publish though they may only push a branch,
    which can hold a workflow of their own; empty if the rules exclude them."""
    _, separator, ref = rules.reusable_workflow.rpartition("@")
    if separator and names_nothing(ref, BRANCHES):
        elsewhere = "/".join(rules.reusable_workflow.split("/", 2)[:2])
        return (
            f"Anybody who may push a branch to {elsewhere} could publish with these rules, since "
            f"{ref} is every branch. Name one branch, a tag or a commit of its workflow."
        )
    if not RULE_NAMES[provider] or _excludes_branches(provider, rules):
        return ""
    every = next((each for each in rules.refs if names_nothing(each, BRANCHES)), "")
    if provider is Provider.GITHUB and rules.environment:
        why = (
            f": GitHub makes an unprotected environment {rules.environment} as soon as a job names "
            "it. Name a ref as well, such as refs/tags/v*, or ask for a protected ref."
        )
    elif every:
        why = f": {every} is every branch. Name a branch, or tags such as refs/tags/v*."
    else:
        why = f". {_WAYS_TO_EXCLUDE[provider]}"
    return f"Anybody who may push a branch could publish with these rules{why}"


_WAYS_TO_EXCLUDE = {
    Provider.GITHUB: "Name a ref such as refs/tags/v*, or ask for a protected ref.",
    Provider.GITLAB: "Name a ref or an environment, or ask for a protected ref.",
    Provider.AZURE_DEVOPS: "Name a ref such as refs/heads/main.",
}


def _excludes_branches(provider: Provider, rules: PublisherRules) -> bool:
    # GitLab says of each run whether its environment is protected, and GitHub does not.
    says_environment = provider is Provider.GITLAB and bool(rules.environment)
    return rules.protected or says_environment or _names_refs(rules)


def _names_refs(rules: PublisherRules) -> bool:
    """Check whether the rules about refs exclude somebody who may push any branch."""
    is_every = any(names_nothing(each, BRANCHES) for each in rules.refs)
    return bool(rules.tag_version) or (bool(rules.refs) and not is_every)


def rule_warnings(rules: PublisherRules) -> Iterator[str]:
    """Yield what an owner should know of rules that are accepted."""
    tags = [*rules.refs, rules.reusable_workflow.rpartition("@")[2]]
    every = next((each for each in tags if names_nothing(each, TAGS)), "")
    if rules.tag_version == VERSION and not rules.refs:
        every = f"{TAGS}{VERSION}"
    if every and not rules.protected:
        yield (
            f"Anybody who may push a tag can publish, since {every} is every tag. Let few people "
            "make tags, or name those of releases, such as refs/tags/v*."
        )


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
    _check_tag_version(rules)


def _check_tag_version(rules: PublisherRules) -> None:
    if not rules.tag_version:
        return
    with about_field("tag_version"):
        if not _TAG.fullmatch(rules.tag_version):
            message = (
                f"{rules.tag_version[:80]!r} is no tag with one {VERSION} in it. Write "
                f"{DEFAULT_TAG_VERSION}, or greet-{DEFAULT_TAG_VERSION} for one package of several."
            )
            raise InvalidRequest(message)
        if rules.refs and not any(each.startswith(TAGS) for each in rules.refs):
            message = (
                f"The version is to come from a tag, and {rules.refs[0]} is none. Name tags such "
                "as refs/tags/v*, or leave the tag of the version out."
            )
            raise InvalidRequest(message)


_EXAMPLES = {
    "workflow": "release.yml",
    "reusable_workflow": "octo/ci/.github/workflows/publish.yml@refs/tags/v1",
    "environment": "release",
}
_NO_WORKFLOW = (
    "A publisher of GitHub Actions names its workflow. Write its file, such as release.yml."
)


def rule_differences(rules: PublisherRules, job: CiJob) -> list[str]:
    """Return why the rules exclude a run, one clause for each reason."""
    return [*_differences_of_workflow(rules, job), *_differences_of_run(rules, job)]


def _differences_of_workflow(rules: PublisherRules, job: CiJob) -> Iterator[str]:
    wanted = rules.reusable_workflow
    actual = job.defined_elsewhere
    if rules.workflow and rules.workflow != job.workflow:
        yield _asked("workflow", rules.workflow, job.workflow)
    if wanted and not fits(actual, wanted):
        yield _asked("reusable workflow", wanted, actual)
    if actual and not wanted:
        is_unsaid = actual == UNTOLD and job.provider is Provider.GITLAB
        since = f", as GitLab says since version {OLDEST_GITLAB}" if is_unsaid else ""
        yield f"it is defined by {_shown(actual)}, not by its repository at this ref{since}"


def _differences_of_run(rules: PublisherRules, job: CiJob) -> Iterator[str]:
    if rules.environment and not _is_environment(rules, job):
        yield _asked("environment", rules.environment, job.environment)
    if rules.runner is Runner.PROVIDER and not _runs_at_provider(job):
        actual = _shown(job.claims.get(RUNNER_CLAIM, ""))
        yield f"it asks for a runner of {job.provider.title}, and this run has {actual}"
    if not job.is_of_pull_request:  # Its ref says nothing: whoever may push a branch opens one.
        yield from _differences_of_ref(rules, job)


def _differences_of_ref(rules: PublisherRules, job: CiJob) -> Iterator[str]:
    if rules.refs and not any(fits(job.ref, pattern) for pattern in rules.refs):
        yield _asked("ref", " or ".join(rules.refs), job.ref)
    elif rules.tag_version and not tagged_version(rules.tag_version, job.ref):
        yield _asked("tag", rules.tag_version, job.ref)
    # Then only the environment excludes people who may push a branch.
    rests_on_environment = rules.environment and not _names_refs(rules) and not rules.protected
    if rests_on_environment and job.environment_is_unprotected:
        shown = _shown(job.environment)
        yield f"its environment {shown} is not protected, and the publisher asks for no ref"
    if rules.protected and not job.protected:
        yield f"its ref {_shown(job.ref)} is not protected"


def _runs_at_provider(job: CiJob) -> bool:
    own = RUNNERS_OF_PROVIDERS.get(job.provider)
    return own is not None and job.claims.get(RUNNER_CLAIM) == own


def _is_environment(rules: PublisherRules, job: CiJob) -> bool:
    # Names of environments ignore case at GitHub, and not at others.
    if job.provider is Provider.GITHUB:
        return rules.environment.lower() == job.environment.lower()
    return rules.environment == job.environment


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
        yield f"its repository has the {REPOSITORY_ID} {_shown(actual)}, not {wanted_id}"


def _differences_of_audience(wanted: str, audiences: tuple[str, ...]) -> Iterator[str]:
    # A token with further audiences could have been sent by another service.
    if audiences != (wanted,):
        yield f"its audience is {_shown(' '.join(audiences))}, not {wanted} alone"


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
