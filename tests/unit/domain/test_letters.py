"""Every letter that the registry sends, word for word: goldens that are read before they change."""

from collections.abc import Callable

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain import mail
from shared.domain import mail as administration
from shared.domain import mail as sign_in
from shared.domain.mail import MailText, leaked_token_mail, moderation_mail, token_expiry_mail
from shared.domain.packages import State
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


def moderated(state: State, reason: str = "reported\nby many") -> MailText:
    changed = release().model_copy(update={"state": state, "state_reason": reason})
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
    "domain lapsed": lambda: mail.domain_lapsed_mail(
        "acme", "acme.example", record="_ballroom.acme.example", link=PAGE
    ),
    "account locked": lambda: administration.account_locked_mail("kim", URL),
    "account unlocked": lambda: administration.account_unlocked_mail("kim", URL),
    "administrator": lambda: administration.administrators_changed_mail(
        "kim", URL, by="ada", is_one=True
    ),
    "no administrator": lambda: administration.administrators_changed_mail(
        "kim", URL, by="ada", is_one=False
    ),
    **{f"release {state.value}": (lambda state=state: moderated(state)) for state in State},
    "release without a reason": lambda: moderated(State.HELD, ""),
    "new browser": lambda: sign_in.new_device_mail(
        "kim", URL, agent="Fire\nfox", address="192.0.2.7"
    ),
    "new browser of nobody": lambda: sign_in.new_device_mail("kim", URL, agent="", address=""),
    "identity linked": lambda: sign_in.identity_linked_mail(
        "kim", URL, label="kim@example.org", provider="Company"
    ),
    "identity removed": lambda: sign_in.identity_removed_mail(
        "kim", URL, label="kim@example.org", provider="Company"
    ),
    "session copied": lambda: sign_in.session_copied_mail("kim", URL),
    "token leaked": lambda: leaked_token_mail(TOKEN, "https://example.org/file", f"{URL}/account"),
    "token leaked somewhere": lambda: leaked_token_mail(TOKEN, "", f"{URL}/account"),
    "token ends": lambda: token_expiry_mail(TOKEN, f"{URL}/account"),
    "token of an organization ends": lambda: token_expiry_mail(
        TOKEN.model_copy(update={"org": "acme"}), f"{URL}/account"
    ),
}


@pytest.mark.parametrize("letter", LETTERS)
def test_a_letter_says_what_happened_and_what_to_do(
    letter: str, snapshot: SnapshotAssertion
) -> None:
    written = LETTERS[letter]()
    assert f"{written.subject}\n\n{written.text}" == snapshot
