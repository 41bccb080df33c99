"""Invitations as they are stored."""

from shared.domain.invitations import Invitation, id_for
from shared.domain.mails import parse_email
from shared.domain.rights import Role
from shared.domain.stored_hash import stored_hash

KIM = parse_email("Kim@example.org")


def test_an_address_has_one_invitation_in_any_spelling() -> None:
    again = parse_email("kim@EXAMPLE.org")
    assert id_for("acme", KIM) == id_for("ACME", again)
    assert id_for("acme", KIM) != id_for("other", KIM)
    assert "kim" not in id_for("acme", KIM)


def test_an_invitation_is_found_by_the_hash_of_its_code_until_it_ends() -> None:
    invitation = Invitation(
        org="Acme",
        id=id_for("Acme", KIM),
        role=Role.MEMBER,
        code_hash=stored_hash("code"),
        label="k",
        by="lee",
        created_ms=0,
        expires_ms=100,
    )
    assert invitation.subject == stored_hash("code") != "code"
    assert invitation.place == ("acme", invitation.id)
    assert invitation.ends_ms == 100
    assert invitation.is_open_at(99)
    assert not invitation.is_open_at(100)
