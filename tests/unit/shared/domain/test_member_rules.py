"""The rules for the members of an organization."""

from shared.domain.access import MemberList, Membership, PendingRole
from shared.domain.accounts import Organization
from shared.domain.identity import Role
from tests.support.refusals import raises_refusal


def test_a_member_has_one_pending_change_at_a_time() -> None:
    waiting = PendingRole(role=Role.MEMBER, at_ms=20, by="lee")
    kim = Membership(org="acme", account="kim", role=Role.OWNER, since_ms=0, pending=waiting)
    members = MemberList(Organization(name="acme", founder="kim", created_ms=0), (kim,), 10)
    with raises_refusal("change-pending"):
        members.require_no_pending_change("kim", "Kim")
    members.require_no_pending_change("lee", "Lee")
