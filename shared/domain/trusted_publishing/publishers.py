"""Trusted publishers: which jobs of CI systems may publish a package, without a stored secret.

`claims.py` compares them with the claims of a job.
"""

import re
from collections.abc import Mapping
from typing import ClassVar, Self

from shared.domain.errors.base import InvalidRequest
from shared.domain.names import Package
from shared.domain.records import Entity, Place, Record
from shared.domain.trusted_publishing.jobs import ID_CLAIMS, Provider, job_subject

MAX_REFS = 10  # Per publisher.
MAX_REPOSITORY_LENGTH = 255  # Characters.

# The facts in a provider's tokens that a rule can require.
RULE_NAMES = {
    Provider.GITHUB: frozenset(
        {"workflow", "reusable_workflow", "refs", "environment", "protected"}
    ),
    Provider.GITLAB: frozenset({"workflow", "refs", "environment", "protected"}),
    Provider.AZURE_DEVOPS: frozenset({"refs"}),
    Provider.ENTRA: frozenset[str](),
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


class Publisher(Entity):
    """A CI job that may publish one package, and the rules for its runs.

    Until `pending_until_ms` its package need not exist: its first push creates it.
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
    created_ms: int
    by: str = ""
    pending_until_ms: int | None = None

    @property
    def place(self) -> Place:
        return Place(self.org.lower(), self.id)

    @property
    def subject(self) -> str:
        """The key by which its jobs find it."""
        return job_subject(self.provider, self.ids)

    @property
    def ends_ms(self) -> int | None:
        """When it expires, while its package does not exist."""
        return self.pending_until_ms

    @property
    def target(self) -> Package:
        return Package.parse(self.org, self.package)

    def is_pending_for(self, package: Package) -> bool:
        """Check whether its first push creates the package."""
        return self.pending_until_ms is not None and self.target.key == package.key


def parse_repository(repository: str) -> str:
    """Return the display name of a repository, or raise `InvalidRequest`."""
    if not repository.isprintable() or len(repository) > MAX_REPOSITORY_LENGTH:
        message = (
            f"The name of a repository is a line of {MAX_REPOSITORY_LENGTH} characters at most, "
            "such as octo/greet. It decides nothing, and may be left out."
        )
        raise InvalidRequest(message)
    return repository


def parse_job_ids(provider: Provider, ids: Mapping[str, str]) -> dict[str, str]:
    """Return the ids of a job, which must be complete, or raise `InvalidRequest`."""
    wanted = ID_CLAIMS[provider]
    lowered = {claim: value.strip().lower() for claim, value in ids.items()}
    fit = [claim for claim, form in wanted.items() if re.fullmatch(form, lowered.get(claim, ""))]
    wrong = sorted((lowered.keys() | wanted.keys()) - set(fit))
    if wrong:
        message = (
            f"A publisher of {provider.title} is known by {' and '.join(wanted)}, which never "
            f"change. {' and '.join(wrong)}: copy each id from the provider, and no name."
        )
        raise InvalidRequest(message)
    return {claim: lowered[claim] for claim in wanted}


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
            raise InvalidRequest(message)
    wrong = [ref for ref in rules.refs if not _REF.fullmatch(ref)]
    if wrong or len(rules.refs) > MAX_REFS:
        what = f"{wrong[0][:80]!r} is no ref" if wrong else f"There are more than {MAX_REFS} refs"
        message = f"{what}. Write refs/heads/main, or refs/tags/v* for all such tags."
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
