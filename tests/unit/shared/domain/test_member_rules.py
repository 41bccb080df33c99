"""The rules for the members of an organization."""

from shared.domain.member_rules import MemberList
from shared.domain.members import Membership, PendingRole
from shared.domain.organizations import Organization
from shared.domain.rights import Role
from tests.support.refusals import raises_refusal


def test_the_newest_owner_is_the_last_one_or_the_founder() -> None:
    acme = Organization(name="acme", founder="kim", created_ms=3)
    people = [
        Membership(org="acme", account=account, role=role, since_ms=since_ms)
        for account, role, since_ms in (
            ("ann", Role.OWNER, 7),
            ("kim", Role.OWNER, 3),
            ("lee", Role.MEMBER, 9),
        )
    ]
    assert MemberList(acme, tuple(people), 10).newest_owner_ms == 7
    assert MemberList(acme, tuple(people[2:]), 10).newest_owner_ms == 3


def test_a_member_has_one_pending_change_at_a_time() -> None:
    waiting = PendingRole(role=Role.MEMBER, at_ms=20, by="lee")
    kim = Membership(org="acme", account="kim", role=Role.OWNER, since_ms=0, pending=waiting)
    members = MemberList(Organization(name="acme", founder="kim", created_ms=0), (kim,), 10)
    with raises_refusal("change-pending"):
        members.require_no_pending_change("kim", "Kim")
    members.require_no_pending_change("lee", "Lee")
