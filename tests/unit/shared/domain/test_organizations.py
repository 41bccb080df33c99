"""Domains, and the record that proves them."""

import pytest

from shared.domain.errors.base import InvalidRequest
from shared.domain.organizations import domain_record_name, domain_record_text, parse_domain


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("example.org", "example.org"),
        (" Mail.Example.ORG.\n", "mail.example.org"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("3com.co", "3com.co"),
    ],
)
def test_a_domain_is_compared_in_lower_case_without_its_last_dot(text: str, domain: str) -> None:
    assert parse_domain(text) == domain


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "127.0.0.1",
        "[::1]",
        "https://example.org",
        "example.org/path",
        "example..org",
        "-example.org",
        "*.example.org",
        "exam ple.org",
        "b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example",
        f"{'a' * 64}.org",
        "a." * 120 + "org",
    ],
)
def test_a_domain_that_nobody_can_own_is_invalid(text: str) -> None:
    with pytest.raises(InvalidRequest, match="not a valid domain"):
        parse_domain(text)


def test_the_record_of_a_domain_has_a_name_below_it() -> None:
    assert domain_record_name(parse_domain("example.org")) == "_ballroom.example.org"
    assert domain_record_text("abc") == "ballroom-verification=abc"
