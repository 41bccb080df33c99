"""Every letter that the registry sends, word for word: goldens that are read before they change."""

from collections.abc import Callable

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain import administration_letters as administration
from shared.domain import mails
from shared.domain import sign_in_letters as sign_in
from shared.domain.mails import Letter
from shared.domain.moderation_letters import moderated_letter
from shared.domain.package import State
from shared.domain.rights import Grant, Scope
from shared.domain.token_letters import ending_letter, leaked_letter
from shared.domain.tokens import Token
from tests.contract.samples import release

AT_MS = 1_790_000_000_000
URL = "https://registry.test"
PAGE = f"{URL}/account/organizations/acme"
TOKEN = Token(
    id="tok0000000", hash="", owner="kim0000000", name="ci", created_ms=1, expires_ms=AT_MS,
    grants=(Grant(scopes=frozenset({Scope.PUSH_VERSION}), org="acme"),),
)  # fmt: skip


def moderated(state: State, reason: str = "reported\nby many") -> Letter:
    changed = release().model_copy(update={"state": state, "state_reason": reason})
    return moderated_letter(changed, PAGE)


LETTERS: dict[str, Callable[[], Letter]] = {
    "invited": lambda: mails.invited("acme", "owner", by="kim", link=PAGE, until_ms=AT_MS),
    "owners will change": lambda: mails.owners_will_change(
        "acme", "lee is an owner", by="kim", at_ms=AT_MS, link=PAGE
    ),
    "owners changed": lambda: mails.owners_changed("acme", "lee is an owner", by="kim", link=PAGE),
    "owners will stay": lambda: mails.owners_will_stay(
        "acme", "lee is an owner", by="kim", link=PAGE
    ),
    "will be deleted": lambda: mails.will_be_deleted("acme", by="kim", at_ms=AT_MS, link=PAGE),
    "will not be deleted": lambda: mails.will_not_be_deleted("acme", by="kim", link=PAGE),
    "domain lapsed": lambda: mails.domain_lapsed(
        "acme", "acme.example", record="_ballroom.acme.example", link=PAGE
    ),
    "account locked": lambda: administration.account_locked("kim", URL),
    "account unlocked": lambda: administration.account_unlocked("kim", URL),
    "administrator": lambda: administration.administrators_changed(
        "kim", URL, by="ada", is_one=True
    ),
    "no administrator": lambda: administration.administrators_changed(
        "kim", URL, by="ada", is_one=False
    ),
    **{f"release {state.value}": (lambda state=state: moderated(state)) for state in State},
    "release without a reason": lambda: moderated(State.HELD, ""),
    "new browser": lambda: sign_in.new_device("kim", URL, agent="Fire\nfox", address="192.0.2.7"),
    "new browser of nobody": lambda: sign_in.new_device("kim", URL, agent="", address=""),
    "identity linked": lambda: sign_in.identity_linked(
        "kim", URL, label="kim@example.org", provider="Company"
    ),
    "identity removed": lambda: sign_in.identity_removed(
        "kim", URL, label="kim@example.org", provider="Company"
    ),
    "session copied": lambda: sign_in.session_copied("kim", URL),
    "token leaked": lambda: leaked_letter(TOKEN, "https://example.org/file", f"{URL}/account"),
    "token leaked somewhere": lambda: leaked_letter(TOKEN, "", f"{URL}/account"),
    "token ends": lambda: ending_letter(TOKEN, f"{URL}/account"),
    "token of an organization ends": lambda: ending_letter(
        TOKEN.model_copy(update={"org": "acme"}), f"{URL}/account"
    ),
}


@pytest.mark.parametrize("letter", LETTERS)
def test_a_letter_says_what_happened_and_what_to_do(
    letter: str, snapshot: SnapshotAssertion
) -> None:
    written = LETTERS[letter]()
    assert f"{written.subject}\n\n{written.text}" == snapshot
