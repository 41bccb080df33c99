"""What is known of issuers: their claims as their tokens have them, and which of them decide."""

import pytest

from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import Untrusted
from shared.domain.trusted_publishing.claims import (
    is_exact,
    parse_claims,
    read_claims,
    require_customer_claim,
)
from shared.domain.trusted_publishing.issuers import parse_audience
from shared.domain.trusted_publishing.jobs import CiJob, Provider, read_any_claims
from shared.domain.trusted_publishing.presets import (
    BITBUCKET,
    CIRCLECI,
    ENTRA,
    GITHUB,
    JENKINS,
    OTHER,
    PRESETS,
    preset_of,
    preset_of_provider,
    suggested_value,
)
from shared.domain.trusted_publishing.publishers import Publisher, is_same_job, job_differences
from tests.support.issuers import ISSUERS, JOBS, TENANT, asked_claims
from tests.support.issuers import PRESETS as DOUBLES

REGISTRY = "https://ballroom.example.org"
LABELS = list(JOBS)


def publisher(label: str, **changes: str) -> Publisher:
    """Return a publisher of the examples of a preset, with some claims changed."""
    preset = DOUBLES[label]
    claims = parse_claims(asked_claims(preset) | changes)
    return Publisher(
        id="publisher1",
        org="Acme",
        package="greet",
        provider=Provider.OIDC,
        server=ISSUERS[label],
        ids={},
        audience=preset.audience or REGISTRY,
        claims=claims,
        created_ms=1,
    )


def job(label: str, **changes: object) -> CiJob:
    preset = DOUBLES[label]
    audience = {"aud": preset.audience or REGISTRY}
    return read_any_claims(ISSUERS[label], preset.traits, {**JOBS[label](), **audience, **changes})


def takes(publisher: Publisher, job: CiJob) -> bool:
    return is_same_job(publisher, job) and not job_differences(publisher, job)


@pytest.mark.parametrize("label", LABELS)
def test_the_claims_that_a_preset_asks_for_take_the_job_and_no_other(label: str) -> None:
    assert takes(publisher(label), job(label))
    for claim in DOUBLES[label].claims:
        assert not takes(publisher(label, **{claim.name: "another"}), job(label))


@pytest.mark.parametrize("label", LABELS)
def test_an_example_names_one_customer_of_the_issuer(label: str) -> None:
    preset = DOUBLES[label]
    claims = asked_claims(preset)
    decide = preset.traits.customer_claims
    require_customer_claim(claims, decide, ISSUERS[label])
    loose = {name: value for name, value in claims.items() if name not in decide}
    with pytest.raises(InvalidRequest, match="which only one of them can have"):
        require_customer_claim(loose, decide, ISSUERS[label])


@pytest.mark.parametrize("label", LABELS)
def test_the_claims_that_decide_are_asked_for_as_exact_values(label: str) -> None:
    preset = DOUBLES[label]
    asked = asked_claims(preset)
    assert all(is_exact(asked[name]) for name in preset.traits.customer_claims)
    assert preset.traits.customer_claims.keys() <= read_claims(JOBS[label]()).keys()


@pytest.mark.parametrize("label", LABELS)
def test_the_audience_of_an_example_is_one_that_the_registry_accepts(label: str) -> None:
    preset = DOUBLES[label]
    wanted = preset.audience or REGISTRY
    assert parse_audience(preset.audience, REGISTRY, preset.traits) == wanted


def test_audiences_that_an_issuer_sets_are_accepted_and_others_are_not() -> None:
    guid = "5a1c3c5e-8b7c-4b1e-9f0a-1c2d3e4f5a6b"
    for preset, audience in [
        (CIRCLECI, guid),
        (BITBUCKET, f"ari:cloud:bitbucket::workspace/{guid}"),
        (ENTRA, f"api://{guid}"),
        (ENTRA, guid),
    ]:
        assert parse_audience(audience, REGISTRY, preset.traits) == audience
    for preset, audience in [
        (ENTRA, "https://management.azure.com/"),
        (ENTRA, "api://AzureADTokenExchange"),
        (BITBUCKET, "sts.amazonaws.com"),
        (JENKINS, guid),
    ]:
        with pytest.raises(InvalidRequest, match="another service"):
            parse_audience(audience, REGISTRY, preset.traits)


def test_a_token_of_another_tenant_of_entra_is_refused() -> None:
    with pytest.raises(Untrusted, match="tid"):
        job("entra", tid=TENANT.replace("8", "9"))


def test_issuers_that_hand_out_one_token_for_hours_are_known() -> None:
    repeating = {label for label in LABELS if DOUBLES[label].traits.reuses_tokens}
    assert repeating == {"google", "kubernetes", "entra"}


@pytest.mark.parametrize(
    ("label", "issuer", "preset"),
    [
        ("jenkins", "https://jenkins.example.org/oidc", JENKINS),
        ("jenkins-tools", "https://ci.tools.example.org/oidc", JENKINS),
        ("circleci", "https://oidc.circleci.com", CIRCLECI),
        ("circleci", f"https://oidc.circleci.com/org/{TENANT}", CIRCLECI),
        ("entra", f"https://login.microsoftonline.com/{TENANT}/v2.0", ENTRA),
        ("circleci", "https://oidc.circleci.com.example.org", OTHER),
        ("entra", "https://login.microsoftonline.com/common/v2.0", OTHER),
        ("build", "https://oidc.circleci.com", OTHER),
        ("github", "https://token.actions.githubusercontent.com", OTHER),
    ],
)
def test_a_label_names_a_preset_if_the_issuer_is_one_of_its_own(
    label: str, issuer: str, preset: object
) -> None:
    assert preset_of(label, issuer) is preset


def test_the_systems_with_readers_of_their_own_are_presets_too() -> None:
    assert preset_of_provider(Provider.GITHUB) is GITHUB
    assert [each.provider for each in PRESETS if each.provider is not Provider.OIDC] == [
        Provider.GITHUB,
        Provider.GITLAB,
        Provider.AZURE_DEVOPS,
    ]


def test_a_job_of_circleci_that_somebody_runs_with_a_shell_is_refused() -> None:
    rerun = job("circleci", **{"oidc.circleci.com/ssh-rerun": True})
    assert not takes(publisher("circleci"), rerun)


def test_a_fork_is_no_job_of_the_repository_on_circleci() -> None:
    fork = job("circleci", **{"oidc.circleci.com/vcs-origin": "github.com/fork/greet"})
    assert not takes(publisher("circleci"), fork)


@pytest.mark.parametrize(
    ("example", "value", "rule"),
    [
        ("a:refs/tags/v*:commit:*", "b:refs/tags/v1.2:commit:b8", "b:refs/tags/v*:commit:*"),
        ("refs/tags/v*", "refs/heads/main", "refs/heads/main"),
        ("refs/tags/v*", "refs/tags/1.2", "refs/tags/1.2"),
        ("org/1/user/*", "system:serviceaccount:ci:job", "system:serviceaccount:ci:job"),
    ],
)
def test_a_rule_for_a_token_has_the_wildcards_of_the_example(
    example: str, value: str, rule: str
) -> None:
    assert suggested_value(example, value) == rule
