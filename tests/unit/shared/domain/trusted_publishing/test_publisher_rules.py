"""Which runs the rules of a trusted publisher accept, and which rules are refused."""

import pytest

from shared.domain.errors.base import InvalidRequest
from shared.domain.trusted_publishing.jobs import Provider, read_job_claims
from shared.domain.trusted_publishing.publisher_rules import PublisherRules, rule_differences
from tests.support.trusted_publishing import github_job, gitlab_job

GOOD = {"workflow": "release.yml", "refs": ["refs/tags/v*"], "environment": "release"}
FOREIGN = "octo/ci/.github/workflows/publish.yml"
COMMIT = "b8962f4eaff8e14fc646cb22c596c81e67d71362"


def rules(**asked: object) -> PublisherRules:
    """Return rules of GitHub Actions."""
    return PublisherRules.parse(Provider.GITHUB, {**GOOD, **asked})


@pytest.mark.parametrize(
    ("named", "runs", "differs"),
    [
        ("", "", False),
        ("", f"{FOREIGN}@refs/tags/v1", True),
        (f"{FOREIGN}@refs/tags/v*", f"{FOREIGN}@refs/tags/v1.2", False),
        (f"{FOREIGN}@{COMMIT}", f"{FOREIGN}@{COMMIT[::-1]}", True),
        (f"{FOREIGN}@refs/tags/v1", f"evil/{FOREIGN[5:]}@refs/tags/v1", True),
        (f"{FOREIGN}@refs/tags/v1", "", True),
    ],
)
def test_a_job_that_is_defined_elsewhere_is_accepted_by_a_publisher_that_names_that_file(
    named: str, runs: str, differs: bool
) -> None:
    job = read_job_claims(
        Provider.GITHUB, github_job(**({"job_workflow_ref": runs} if runs else {}))
    )
    shown = rule_differences(rules(reusable_workflow=named), job)
    assert bool(shown) is differs
    if differs and named:
        actual = f"'{runs[:80]}'" if runs else "none"
        assert shown == [f"it asks for the reusable workflow {named}, and this run has {actual}"]
    elif differs:
        assert shown == [f"it is defined by '{runs}', not by its repository at this ref"]


@pytest.mark.parametrize(
    "text",
    [
        "publish.yml",
        FOREIGN,
        f"{FOREIGN}@v1",
        f"{FOREIGN}@*",
        f"{FOREIGN}@{COMMIT[:7]}",
        f"*/ci/.github/workflows/publish.yml@{COMMIT}",
        f"octo/ci/publish.yml@{COMMIT}",
    ],
)
def test_a_reusable_workflow_is_named_in_full_with_its_ref(text: str) -> None:
    with pytest.raises(InvalidRequest, match="is no reusable workflow") as refused:
        rules(reusable_workflow=text)
    assert refused.value.field == "reusable_workflow"


def test_a_ref_that_is_no_ref_is_named_in_its_refusal() -> None:
    with pytest.raises(InvalidRequest, match="'v1' is no ref") as refused:
        rules(refs=["refs/heads/main", "v1"])
    assert refused.value.field == "refs"


@pytest.mark.parametrize(
    ("pattern", "ref", "fits"),
    [
        ("refs/tags/v*", "refs/tags/v1.0.0", True),
        ("refs/tags/v*", "refs/tags/w1.0.0", False),
        ("refs/tags/v*", "refs/tags/v1/evil", False),
        ("refs/heads/main", "refs/heads/main", True),
        ("refs/heads/main", "refs/heads/Main", False),
        ("refs/heads/main", "refs/heads/x/refs/heads/main", False),
        ("refs/heads/release/*", "refs/heads/release/1.x", True),
        ("refs/heads/release/*", "refs/heads/release", False),
        ("refs/heads/?.x", "refs/heads/1.x", True),
    ],
)
def test_a_wildcard_stays_between_two_slashes(pattern: str, ref: str, fits: bool) -> None:
    job = read_job_claims(Provider.GITHUB, github_job(ref=ref))
    assert (rule_differences(rules(refs=[pattern]), job) == []) is fits


def test_github_has_one_environment_for_all_spellings_and_gitlab_has_several() -> None:
    asked = {"environment": "Release"}
    github = PublisherRules.parse(Provider.GITHUB, {**GOOD, **asked})
    assert rule_differences(github, read_job_claims(Provider.GITHUB, github_job())) == []
    gitlab = PublisherRules.parse(Provider.GITLAB, asked)
    assert rule_differences(gitlab, read_job_claims(Provider.GITLAB, gitlab_job()))


@pytest.mark.parametrize(
    ("provider", "asked", "message"),
    [
        (Provider.GITHUB, {"workflow": "release.yml"}, "Anybody who may push a branch"),
        (Provider.GITLAB, {}, "Anybody who may push a branch"),
        (Provider.AZURE_DEVOPS, {}, "Anybody who may push a branch"),
        (Provider.GITHUB, {"refs": ["refs/heads/main"]}, "names its workflow"),
        (Provider.AZURE_DEVOPS, {"environment": "release"}, "do not say the environment"),
        (Provider.AZURE_DEVOPS, {"protected": True}, "do not say the protected"),
        (Provider.ENTRA, {"refs": ["refs/heads/main"]}, "do not say the refs"),
        (Provider.GITLAB, {"reusable_workflow": "x"}, "Tokens of .* do not say the reusable work"),
        *[
            (Provider.GITHUB, {**GOOD, name: value}, f"is no {what}")
            for name, value, what in (
                ("workflow", "release", "workflow"),
                ("workflow", "../release.yml\n", "workflow"),
                ("workflow", ".github/workflows/release.yml", "file name of a workflow"),
                ("environment", "a\nb", "environment"),
                ("refs", ["main"], "ref"),
                ("refs", ["refs/pull/*"], "ref"),
                ("refs", ["refs/heads/[a-z]"], "ref"),
            )
        ],
        (Provider.GITHUB, {**GOOD, "refs": ["refs/heads/a"] * 11}, "more than 10 refs"),
    ],
)
def test_rules_that_keep_nobody_out_or_never_match_are_refused(
    provider: Provider, asked: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        PublisherRules.parse(provider, asked)


def test_an_empty_rule_is_not_checked() -> None:
    empty = {"workflow": "", "refs": [], "environment": "", "protected": False}
    assert PublisherRules.parse(Provider.ENTRA, empty) == PublisherRules()
