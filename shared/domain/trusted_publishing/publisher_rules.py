"""The rules of trusted publishers: which runs of a repository may publish."""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Self

from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.records import Record
from shared.domain.trusted_publishing.jobs import (
    OLDEST_GITLAB,
    RUNNER_CLAIM,
    RUNNERS_OF_PROVIDERS,
    UNTOLD,
    CiJob,
    Provider,
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
        if provider is Provider.GITHUB:
            _check_file(parsed.workflow)
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


def _check_file(workflow: str) -> None:
    """Raise for a workflow of GitHub Actions that is missing, or written with its folders: a rule
    with them would match no run."""
    with about_field("workflow"):
        if not workflow:
            raise InvalidRequest(_NO_WORKFLOW)
        if workflow.startswith(".github/"):
            file = workflow.rpartition("/")[2]
            message = f"{workflow[:80]!r} is no file name of a workflow. Write {file} alone."
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
        yield f"it is defined by {shown_value(actual)}, not by its repository at this ref{since}"


def _differences_of_run(rules: PublisherRules, job: CiJob) -> Iterator[str]:
    if rules.environment and not _is_environment(rules, job):
        yield _asked("environment", rules.environment, job.environment)
    if rules.runner is Runner.PROVIDER and not _runs_at_provider(job):
        actual = shown_value(job.claims.get(RUNNER_CLAIM, ""))
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
        shown = shown_value(job.environment)
        yield f"its environment {shown} is not protected, and the publisher asks for no ref"
    if rules.protected and not job.protected:
        yield f"its ref {shown_value(job.ref)} is not protected"


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
    return f"it asks for the {what} {wanted}, and this run has {shown_value(actual)}"


def shown_value(value: str) -> str:
    """Return what a job says, as a clause about a difference quotes it."""
    return repr(value[:80]) if value else "none"
