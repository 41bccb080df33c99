"""Mail addresses, and every mail that the registry sends, word for word."""

from collections.abc import Callable

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain import mail
from shared.domain.errors.base import InvalidRequest
from shared.domain.mail import (
    Mail,
    MailText,
    leaked_token_mail,
    mail_line,
    mailbox_key,
    mask_email,
    moderation_mail,
    parse_email,
    token_expiry_mail,
)
from shared.domain.packages import PublicReason, State, WithdrawalReason
from shared.domain.rights import Grant, Scope
from shared.domain.tokens import Token
from tests.contract.sample_records import release

AT_MS = 1_790_000_000_000
URL = "https://registry.test"
PAGE = f"{URL}/account/organizations/acme"
TOKEN = Token(
    id="tok0000000", hash="", owner="kim0000000", name="ci", created_ms=1, expires_ms=AT_MS,
    grants=(Grant(scopes=frozenset({Scope.PUSH_VERSION}), org="acme"),),
)  # fmt: skip


def moderated(
    state: State, reason: str = "reported\nby many", public: PublicReason | None = None
) -> MailText:
    update = {"state": state, "state_reason": reason, "public_reason": public}
    changed = release().model_copy(update=update)
    return moderation_mail(changed, PAGE)


LETTERS: dict[str, Callable[[], MailText]] = {
    "invited": lambda: mail.invitation_mail("acme", "owner", by="kim", link=PAGE, until_ms=AT_MS),
    "owners will change": lambda: mail.owner_change_pending_mail(
        "acme", "lee is an owner", by="kim", at_ms=AT_MS, link=PAGE
    ),
    "owners changed": lambda: mail.owners_changed_mail(
        "acme", "lee is an owner", by="kim", link=PAGE
    ),
    "owners will stay": lambda: mail.owner_change_cancelled_mail(
        "acme", "lee is an owner", by="kim", link=PAGE
    ),
    "will be deleted": lambda: mail.organization_deletion_mail(
        "acme", by="kim", at_ms=AT_MS, link=PAGE
    ),
    "will not be deleted": lambda: mail.organization_deletion_cancelled_mail(
        "acme", by="kim", link=PAGE
    ),
    "account created": lambda: mail.account_created_mail("kim", URL, link=f"{URL}/sign-in/link/x"),
    "account locked": lambda: mail.account_locked_mail("kim", URL),
    "account unlocked": lambda: mail.account_unlocked_mail("kim", URL),
    "administrator": lambda: mail.administrators_changed_mail("kim", URL, by="ada", is_one=True),
    "no administrator": lambda: mail.administrators_changed_mail(
        "kim", URL, by="ada", is_one=False
    ),
    **{f"release {state.value}": (lambda state=state: moderated(state)) for state in State},
    "release with a public reason": lambda: moderated(
        State.REMOVED, public=PublicReason(why=WithdrawalReason.LEGAL, note="Case\n7.")
    ),
    "release without a reason": lambda: moderated(State.HELD, ""),
    "new browser": lambda: mail.new_device_mail("kim", URL, agent="Fire\nfox", address="192.0.2.7"),
    "new browser of nobody": lambda: mail.new_device_mail("kim", URL, agent="", address=""),
    "identity linked": lambda: mail.identity_linked_mail(
        "kim", URL, label="kim@example.org", provider="Company"
    ),
    "identity removed": lambda: mail.identity_removed_mail(
        "kim", URL, label="kim@example.org", provider="Company"
    ),
    "session copied": lambda: mail.session_copied_mail("kim", URL),
    "token leaked": lambda: leaked_token_mail(TOKEN, "https://example.org/file", f"{URL}/account"),
    "token leaked somewhere": lambda: leaked_token_mail(TOKEN, "", f"{URL}/account"),
    "token ends": lambda: token_expiry_mail(TOKEN, f"{URL}/account"),
    "token of an organization ends": lambda: token_expiry_mail(
        TOKEN.model_copy(update={"org": "acme"}), f"{URL}/account"
    ),
}


@pytest.mark.parametrize("letter", LETTERS)
def test_a_mail_says_what_happened_and_what_to_do(letter: str, snapshot: SnapshotAssertion) -> None:
    written = LETTERS[letter]()
    assert f"{written.subject}\n\n{written.text}" == snapshot


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
        "",
        "kim",
        "kim@localhost",
        "@example.org",
        "kim@@example.org",
        "kim..lee@example.org",
        '"kim lee"@example.org',
        "kim@example.org, eve@example.org",
        "kim@example.org\r\nBcc: eve@example.org",
        "Kim <kim@example.org>",
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
