"""Which runs a publisher of any issuer of OpenID Connect takes: by exact claims and patterns."""

import re
from typing import Any

import pytest

from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import Untrusted
from shared.domain.names import OrgName
from shared.domain.trusted_publishing.claims import (
    MAX_CLAIMS,
    matches,
    parse_claims,
    read_claims,
    require_customer_claim,
)
from shared.domain.trusted_publishing.issuers import IssuerTraits, parse_audience
from shared.domain.trusted_publishing.jobs import CiJob, Provider, read_any_claims
from shared.domain.trusted_publishing.publishers import (
    Publisher,
    PublisherScopes,
    is_same_job,
    job_differences,
)

ISSUER = "https://ci.example.com"
REGISTRY = "https://ballroom.example.org"
TRAITS = IssuerTraits({"organization_id": "organization", "pipeline_id": "pipeline"})

CLAIMS = {
    "sub": "organization:acme:pipeline:greet:ref:refs/tags/v*:commit:*",
    "organization_id": "4c10",
}


def token(**changes: object) -> dict[str, object]:
    """Return the claims of a run that the publisher of this module takes, with some changed."""
    claims: dict[str, object] = {
        "iss": ISSUER,
        "sub": "organization:acme:pipeline:greet:ref:refs/tags/v1.0.0:commit:b896",
        "aud": REGISTRY,
        "organization_id": "4c10",
        "pipeline_id": "77",
    }
    return claims | changes


def job(**changes: object) -> CiJob:
    return read_any_claims(ISSUER, TRAITS, token(**changes))


def publisher(**changes: Any) -> Publisher:
    fields: dict[str, Any] = {
        "id": "publisher1",
        "org": "Acme",
        "package": "greet",
        "provider": Provider.OIDC,
        "server": ISSUER,
        "ids": {},
        "audience": REGISTRY,
        "claims": CLAIMS,
        "created_ms": 1,
    }
    return Publisher.model_validate({**fields, **changes})


def test_a_job_is_found_by_its_issuer() -> None:
    assert publisher().subject == job().subject == f"oidc:{ISSUER}"
    assert publisher().issuer == ISSUER


def test_a_run_whose_claims_match_is_taken() -> None:
    assert is_same_job(publisher(), job())
    assert job_differences(publisher(), job()) == []


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("refs/tags/v*", "refs/tags/v1.0.0", True),
        ("refs/tags/v*", "refs/tags/v1/evil", False),
        ("refs/tags/v*", "refs/tags/v1:evil", False),
        ("repo:acme/*:ref:*", "repo:acme/greet:ref:main", True),
        ("repo:acme/*:ref:*", "repo:acme/greet:environment:x:ref:main", False),
        ("step-?", "step-1", True),
        ("step-?", "step-", False),
        ("step-?", "step-/", False),
        ("[ab]*", "[ab]c", True),
        ("[ab]*", "abc", False),
        ("Main", "main", False),
        ("{0f-1a}", "{0f-1a}", True),
        ("v*", "xv1", False),
        ("*.x", "1.x\n", False),
        ("a*b*c", "aXbYc", True),
    ],
)
def test_a_wildcard_matches_no_slash_and_no_colon(pattern: str, value: str, fits: bool) -> None:
    assert matches(value, pattern) is fits


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"sub": "organization:acme:pipeline:other:x"},
            f"its claim sub is 'organization:acme:pipeline:other:x', not {CLAIMS['sub']}",
        ),
        ({"sub": None}, f"its claim sub is missing, not {CLAIMS['sub']}"),
        ({"aud": "other"}, f"its audience is 'other', not {REGISTRY} alone"),
        ({"aud": [REGISTRY, "other"]}, f"its audience is '{REGISTRY} other', not {REGISTRY} alone"),
    ],
)
def test_a_run_that_is_not_taken_is_told_which_claim_differs(
    changes: dict[str, object], why: str
) -> None:
    assert job_differences(publisher(), job(**changes)) == [why]


@pytest.mark.parametrize(
    "changes",
    [{"organization_id": "4c11"}, {"organization_id": None}, {"organization_id": ["4c10"]}],
)
def test_a_run_of_another_customer_of_the_issuer_is_another_job(changes: dict[str, object]) -> None:
    assert not is_same_job(publisher(), job(**changes))


def test_a_publisher_without_an_exact_claim_of_its_customer_takes_no_run() -> None:
    assert not is_same_job(publisher(claims={"sub": CLAIMS["sub"]}), job())
    by_pattern = publisher(claims={**CLAIMS, "organization_id": "4c1?"})
    assert not is_same_job(by_pattern, job())


def test_a_run_of_another_issuer_is_another_job() -> None:
    assert not is_same_job(publisher(server="https://evil.example.com"), job())


def test_a_token_of_another_tenant_than_its_issuer_is_refused() -> None:
    traits = IssuerTraits({"sub": "identity"}, tenant_claim="tid")
    issuer = "https://login.example.com/0CA3/v2.0"
    assert read_any_claims(issuer, traits, token(tid="0ca3")).claims["tid"] == "0ca3"
    for tenant in ("0ca4", "", None):
        with pytest.raises(Untrusted, match="does not say tid"):
            read_any_claims(issuer, traits, token(tid=tenant))


def test_claims_are_read_as_texts_with_those_inside_others() -> None:
    values = {
        "number": 7,
        "flag": True,
        "list": ["a"],
        "nothing": None,
        "half": 0.5,
        "lines": "a\nb",
        "turned": "a\u202eb",
        "long": "x" * 1025,
        "kubernetes.io": {"namespace": "build", "serviceaccount": {"uid": "b2"}},
    }
    assert read_claims(values) == {
        "number": "7",
        "flag": "true",
        "kubernetes.io/namespace": "build",
        "kubernetes.io/serviceaccount/uid": "b2",
    }


def test_a_name_that_stands_for_two_values_stands_for_none() -> None:
    assert read_claims({"a/b": "1", "a": {"b": "2"}, "c": "3"}) == {"c": "3"}


def test_claims_deep_inside_others_are_left_out() -> None:
    assert read_claims({"a": {"b": {"c": {"d": {"e": {"f": "1"}, "g": "2"}}}}}) == {
        "a/b/c/d/g": "2"
    }


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({}, "The claim sub is missing"),
        ({"organization_id": "4c10"}, "The claim sub is missing"),
        ({"sub": "a", "aud": "b"}, "The claim aud is no rule"),
        ({"sub": "a", "two words": "b"}, "is no name of a claim"),
        ({"sub": "a", "x" * 101: "b"}, "is no name of a claim"),
        ({"sub": ""}, "has to be a line"),
        ({"sub": "a\nb"}, "has to be a line"),
        ({"sub": "x" * 513}, "has to be a line"),
        ({"sub": "*"}, "excludes nobody"),
        ({"sub": "?*/*:*"}, "excludes nobody"),
        ({"sub": "a", **{f"c{n}": "b" for n in range(MAX_CLAIMS)}}, "more than 10 claims"),
    ],
)
def test_claims_that_cannot_be_rules_are_refused(claims: dict[str, str], why: str) -> None:
    with pytest.raises(InvalidRequest, match=why) as refused:
        parse_claims(claims)
    assert refused.value.field == "claims"


def test_claims_are_kept_in_the_order_of_their_names() -> None:
    assert list(parse_claims({"sub": "a*", "b": "1", "a": "2"})) == ["a", "b", "sub"]


def test_one_claim_that_only_one_customer_can_have_is_exact() -> None:
    customer = TRAITS.customer_claims
    require_customer_claim(CLAIMS, customer, "ci")
    require_customer_claim({"sub": "x", "pipeline_id": "77"}, customer, "ci")
    for claims in ({"sub": "x"}, {"sub": "x", "pipeline_id": "7*"}):
        with pytest.raises(InvalidRequest) as refused:
            require_customer_claim(claims, customer, "ci")
        assert str(refused.value) == (
            "Other customers of ci could publish with these claims. Give the exact value of "
            "organization_id (the organization) or pipeline_id (the pipeline), which only one of "
            "them can have."
        )


def test_an_audience_is_ours_or_one_that_the_issuer_sets() -> None:
    sets = IssuerTraits({"sub": "identity"}, fixed_audience=re.compile("api://[0-9a-f-]+"))
    assert parse_audience("", REGISTRY, TRAITS) == REGISTRY
    assert parse_audience(REGISTRY, REGISTRY, TRAITS) == REGISTRY
    assert parse_audience("api://0f-1a", REGISTRY, sets) == "api://0f-1a"
    for audience, traits in (("api://0f-1a", TRAITS), ("sts.example.com", sets)):
        with pytest.raises(InvalidRequest, match="were made for another service"):
            parse_audience(audience, REGISTRY, traits)


def test_a_publisher_that_reads_is_for_its_organization() -> None:
    reading = publisher(scopes="read", package="")
    assert reading.scopes is PublisherScopes.READ
    assert reading.target == OrgName("Acme")
    assert str(publisher().target) == "Acme/greet"
