"""Reasons: who says why they take something from others, and the text that they enter."""

from shared.domain.access_rights import AccessContext
from shared.domain.errors.base import Invalid
from shared.domain.principals import Principal
from shared.domain.scopes import Role
from shared.domain.text_lines import MAX_DESCRIPTION, parse_line


def parse_reason(text: str, what: str = "reason") -> str:
    """Return `text` as one line, which may be empty, or raise `InvalidRequest` about `what`."""
    return parse_line(what, text, MAX_DESCRIPTION)


def parse_required_reason(text: str, what: str) -> str:
    """Return `text` as the reason for `what`, or raise `reason-missing` or `InvalidRequest`."""
    reason = parse_reason(text)
    if not reason:
        raise Invalid(
            "reason-missing", f"Enter a reason for {what}, in one line: others read it later."
        )
    return reason


def acts_from_outside(by: Principal, access: AccessContext) -> bool:
    """Check whether the operator, or an administrator who does not own it, acts in an
    organization, which takes a reason."""
    return by.is_operator or (access.is_administrator and access.role is not Role.OWNER)


def reason_for_change(by: Principal, access: AccessContext, reason: str, what: str) -> str:
    """Return the reason for `what`, which takes something from others in an organization.

    Its owners act in their own organization and need none. Raises `reason-missing` for those who
    act from outside, and `InvalidRequest`.
    """
    if acts_from_outside(by, access):
        return parse_required_reason(reason, what)
    return parse_reason(reason)


def with_reason(reason: str) -> dict[str, str]:
    """Return the details of an event that say why, or none without a reason."""
    return {"reason": reason} if reason else {}
