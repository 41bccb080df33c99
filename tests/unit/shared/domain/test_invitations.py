"""An invitation belongs to an address and is found by its code."""

from shared.domain.invitations import Invitation, invitation_id
from shared.domain.mail import parse_email
from shared.domain.scopes import Role
from shared.domain.tokens import hash_secret

KIM = parse_email("Kim@example.org")


def test_an_address_has_one_invitation_in_any_spelling() -> None:
    again = parse_email("kim@EXAMPLE.org")
    assert invitation_id("acme", KIM) == invitation_id("ACME", again)
    assert invitation_id("acme", KIM) != invitation_id("other", KIM)
    assert "kim" not in invitation_id("acme", KIM)


def test_an_invitation_is_found_by_the_hash_of_its_code_until_it_ends() -> None:
    known = {"org": "Acme", "id": invitation_id("Acme", KIM), "role": Role.MEMBER, "by": "lee"}
    times = {"created_ms": 0, "expires_ms": 100}
    code = {"code_hash": hash_secret("code"), "label": "k"}
    invitation = Invitation.model_validate(known | times | code)
    assert invitation.subject == hash_secret("code") != "code"
    assert invitation.place == ("acme", invitation.id)
    assert invitation.ends_ms == 100
    assert invitation.is_open_at(99)
    assert not invitation.is_open_at(100)
