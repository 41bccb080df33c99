"""A client is offered what it can run and what its compiler understands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.language import EVERYTHING, ClientProfile, LanguageVersion, is_platform

updates = st.integers(0, 999)


@pytest.mark.parametrize(
    ("built_with", "usable"),
    [
        ("2201.8.9", True),  # The patch is ignored inside the same update.
        ("2201.8.0", True),
        ("2201.7.0", True),
        ("2201.8.0-20231101-120000-abcdef0", True),
        ("2201.8.0-SNAPSHOT", True),
        ("2201.9.0", False),
        ("2301.1.0", False),
        ("2101.1.0", False),
        ("9999.0.0", False),
        ("slalpha5", False),
        ("slp8", False),
        ("slbeta6", True),
        ("slbeta", True),
        ("", True),
        ("Ballerina 2.0.0", False),
        ("Java/11.0.8", False),
    ],
)
def test_a_client_of_2201_8_3_is_offered_what_it_understands(
    built_with: str, *, usable: bool
) -> None:
    assert ClientProfile.of("", "2201.8.3").can_use("any", built_with) is usable


@pytest.mark.parametrize(
    ("header", "runs"),
    [
        ("", {"any", "java11", "java21", "go1.26"}),
        (" , ", {"any", "java11", "java21", "go1.26"}),
        ("any", {"any"}),
        ("java21", {"any", "java21"}),
        ("java11, java21", {"any", "java11", "java21"}),
        ("go1.26", {"any", "go1.26"}),
        ("JAVA21", {"any"}),
    ],
)
def test_platforms_are_those_that_the_client_names_literally(header: str, runs: set[str]) -> None:
    client = ClientProfile.of(header, "")
    offered = {p for p in ("any", "java11", "java21", "go1.26") if client.can_use(p, "2201.8.0")}
    assert offered == runs


@pytest.mark.parametrize(
    "text",
    ["", "unknown", "okhttp/4.9.3", "Java/21.0.1", "2201.8", "2201.8.3.1", "v2201.8.3", "2201.x.3",
     "2201.8.3 ", "2201.8.3-a\nb", "٢٢٠١.٨.٣", "9999999999.0.0"],
)  # fmt: skip
def test_a_client_that_names_no_version_gets_no_filter(text: str) -> None:
    client = ClientProfile.of("", text)
    assert client == EVERYTHING
    assert client.can_use("java21", "9999.0.0")
    assert client.can_use("java21", "slalpha5")


@pytest.mark.parametrize("text", ["2201.13.0", "2201.13.0-SNAPSHOT", "2201.13.0-20240101-1200-ab"])
def test_a_suffix_does_not_matter(text: str) -> None:
    assert LanguageVersion.parse(text) == LanguageVersion(2201, 13)


@given(theirs=updates, ours=updates, patch=updates, other=updates)
def test_inside_a_major_the_update_alone_decides(
    theirs: int, ours: int, patch: int, other: int
) -> None:
    client = ClientProfile.of("", f"2201.{ours}.{patch}")
    assert client.can_use("any", f"2201.{theirs}.{other}") is (theirs <= ours)
    assert not client.can_use("any", f"2301.{theirs}.{other}")


@given(st.sampled_from(["any", "java11", "java21"]), st.sampled_from(["", "2201.8.0", "slalpha5"]))
def test_whoever_names_nothing_is_offered_everything(platform: str, built_with: str) -> None:
    assert EVERYTHING.can_use(platform, built_with)


@pytest.mark.parametrize("text", ["any", "java8", "java11", "java21", "java250", "go1.26"])
def test_a_bala_may_name_these_platforms(text: str) -> None:
    assert is_platform(text)


@pytest.mark.parametrize(
    "text", ["", "Any", "java", "java2100", "java21 ", "go1", "go1.", "any\n", "../any", "java٣"]
)
def test_a_bala_may_name_no_others(text: str) -> None:
    assert not is_platform(text)
