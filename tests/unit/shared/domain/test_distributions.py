"""Distributions as Maven paths name them, and the releases that clients can use."""

import pytest

from shared.domain.distributions import ANY_CLIENT, ClientProfile, Distribution, is_platform


@pytest.mark.parametrize(
    "segment",
    ["", "acme", "v2201-13", "2201-13-0", "v2201.13.0", "v2201-13-0-1", "v-1-0", "V1-1-0"],
)
def test_an_invalid_distribution_is_none(segment: str) -> None:
    assert Distribution.parse(segment) is None


def test_a_distribution_runs_the_platforms_up_to_its_own() -> None:
    every = "any java11 java17 java21 java25"
    for segment, platforms in (("v2301-0-0", every), ("v1-99-0", "any")):
        found = Distribution.parse(segment)
        assert found is not None
        assert found.client.platforms == frozenset(platforms.split())


@pytest.mark.parametrize(
    ("header", "runs"),
    [
        (" , ", "any java11 java21 go1.26"),
        ("java21, go2.0", "any java21 go1.26"),
        ("go", "any"),
        ("JAVA21", "any"),
    ],
)
def test_platforms_are_those_that_the_client_names_or_all_of_go(header: str, runs: str) -> None:
    client = ClientProfile.of(header, "")
    offered = [p for p in ("any", "java11", "java21", "go1.26") if client.can_use(p, "2201.8.0")]
    assert " ".join(offered) == runs


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unknown",
        "okhttp/4.9.3",
        "Java/21.0.1",
        "2201.8",
        "2201.8.3.1",
        "v2201.8.3",
        "2201.x.3",
        "2201.8.3 ",
        "2201.8.3-a\nb",
        "٢٢٠١.٨.٣",
        "9999999999.0.0",
        "0.6.0",
        "2200.1.0",
    ],
)
def test_a_client_that_names_no_version_gets_no_filter(text: str) -> None:
    client = ClientProfile.of("", text)
    assert client == ANY_CLIENT
    assert client.can_use("java21", "9999.0.0")
    assert client.can_use("java21", "slalpha5")


def test_a_bala_may_name_these_platforms_and_no_others() -> None:
    assert all(map(is_platform, ("any", "java8", "java11", "java250", "go1.26")))
    for text in ("", "Any", "java", "java2100", "java21 ", "go1", "go1.", "any\n", "../any"):
        assert not is_platform(text)
    for text in ("java٣", "java0", "java021", "go0.1", "go01.26", "go1.026"):
        assert not is_platform(text)
