"""Pending changes of members take effect at their time."""

from shared.domain.memberships import GroupRole, MemberList, Membership, PendingRole
from shared.domain.organizations import Organization
from shared.domain.scopes import Role
from tests.support.refusals import raises_refusal

ID = "0123456789"
NOW = 1_790_000_000_000


def test_a_member_has_one_pending_change_at_a_time() -> None:
    waiting = PendingRole(role=Role.MEMBER, at_ms=20, by="lee")
    kim = Membership(org="acme", account="kim", role=Role.OWNER, since_ms=0, pending=waiting)
    members = MemberList(Organization(name="acme", founder="kim", created_ms=0), (kim,), 10)
    with raises_refusal("change-pending"):
        members.require_no_pending_change("kim", "Kim")
    members.require_no_pending_change("lee", "Lee")


def test_a_new_role_counts_from_the_time_at_which_it_takes_effect() -> None:
    pending = PendingRole(role=Role.OWNER, at_ms=NOW, by=ID)
    before = Membership(org="acme", account=ID, role=Role.MEMBER, pending=pending)
    assert before.at(NOW - 1) is before
    after = Membership(org="acme", account=ID, role=Role.OWNER, since_ms=NOW)
    assert before.at(NOW) == after
    groups = GroupRole(role=Role.MAINTAINER, until_ms=NOW + 9, groups=("dev",))
    both = before.model_copy(update={"group": groups}).at(NOW)
    assert both
    assert (both.role, both.group and both.group.role) == (Role.OWNER, Role.MAINTAINER)
