"""Mail addresses, and what of a mail is shown."""

import pytest

from shared.domain.errors.base import InvalidRequest
from shared.domain.mail import Mail, mail_line, mailbox_key, mask_email, parse_email


@pytest.mark.parametrize("address", ["Kim@Example.org", "kim+work@example.org", "kim@example.org"])
def test_spellings_of_one_mailbox_are_counted_as_one(address: str) -> None:
    assert mailbox_key(address) == "kim@example.org"


@pytest.mark.parametrize(
    "text", ["kim@example.org", " kim.lee+tag@mail.example.org\n", "o'neil@ex-ample.co"]
)
def test_an_address_is_taken_without_the_space_around_it(text: str) -> None:
    assert parse_email(text) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "kim",
        "kim@localhost",
        "@example.org",
        "kim@@example.org",
        "kim..lee@example.org",
        '"kim lee"@example.org',
        "kim@example.org, eve@example.org",
        "Kim <kim@example.org>",
        "kim@example.org\r\nBcc: eve@example.org",
        "kim@-example.org",
        f"{'k' * 250}@example.org",
    ],
)
def test_a_text_that_could_be_several_addresses_is_no_address(text: str) -> None:
    with pytest.raises(InvalidRequest, match="not a valid email address"):
        parse_email(text)


def test_a_mail_that_is_printed_shows_neither_address_nor_text() -> None:
    printed = repr(Mail(parse_email("kim@example.org"), "You are invited", "code 123"))
    assert "kim" not in printed
    assert "123" not in printed


def test_an_outsider_sees_the_first_letter_and_the_domain_of_an_address() -> None:
    assert mask_email("kim@example.org") == "k\N{HORIZONTAL ELLIPSIS}@example.org"


def test_a_header_is_one_line() -> None:
    assert mail_line("a\r\nb\x00c") == "a  b c"
    assert len(mail_line("a" * 500)) == 200
