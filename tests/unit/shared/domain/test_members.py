"""Members of an organization, and invitations as they are stored."""

from datetime import timedelta

from shared.domain.access import (
    NEW_MEMBER_PERIOD,
    Invitation,
    MemberList,
    Membership,
    PendingRole,
    invitation_id,
)
from shared.domain.accounts import Organization, hash_secret
from shared.domain.identity import Role
from shared.domain.mail import parse_email
from tests.support.refusals import raises_refusal

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


def test_a_member_has_a_sponsor_while_the_role_is_new() -> None:
    new = {"org": "acme", "account": "ann", "role": "maintainer", "invited_by": "kim"}
    member = Membership.model_validate({**new, "since_ms": 5})
    period_ms = NEW_MEMBER_PERIOD // timedelta(milliseconds=1)
    assert member.sponsor_at(5 + period_ms - 1) == "kim"
    assert member.sponsor_at(5 + period_ms) == ""


def test_a_member_has_one_pending_change_at_a_time() -> None:
    waiting = PendingRole(role=Role.MEMBER, at_ms=20, by="lee")
    kim = Membership(org="acme", account="kim", role=Role.OWNER, since_ms=0, pending=waiting)
    members = MemberList(Organization(name="acme", founder="kim", created_ms=0), (kim,), 10)
    with raises_refusal("change-pending"):
        members.require_no_pending_change("kim", "Kim")
    members.require_no_pending_change("lee", "Lee")
