"""docs/use/tokens.md says of each operation whether a token may do it."""

import re

import pytest

from functions.api.openapi import OPERATIONS
from functions.http.operations import READ_METHODS
from tests.paths import docs
from tests.security.access_table import DECLARED, Outcome, State
from tests.security.personas import PERSONAS, Credential, Persona

# Operations by the beginning of the row that is about them; an operation with a note in parentheses
# is asked with another body. A row that is only about pages and reads has none.
ROWS: dict[str, tuple[str, ...]] = {
    "read, pull, search": (
        "api_approved_dry_run",
        "api_dependencies_check",
        "api_dry_run",
        "api_groups_dry_run",
        "api_mirror_dry_run",
        "api_org_approvals_dry_run",
        "api_org_retention_dry_run",
        "api_org_rules_dry_run",
        "api_rules_dry_run",
    ),
    "publish packages and versions": ("central_push", "maven_write"),
    "deprecate": ("central_deprecate", "central_undeprecate"),
    "create a token of the account without": ("token_issue",),
    "rotate such a token": ("token_rotate",),
    "create or rotate a token with": (),
    "rename, list, show and revoke tokens": ("token_rename", "token_revoke"),
    "create, confirm or rotate a token of an organization": (
        "api_org_tokens_confirm",
        "api_org_tokens_issue",
        "api_org_tokens_rotate",
    ),
    "rename and revoke a token of an": ("api_org_tokens_rename", "api_org_tokens_revoke"),
    "invite somebody as member": ("api_invitations_send", "api_invitations_withdraw"),
    "invite somebody as maintainer": (
        "api_invitations_send (maintainer)",
        "api_invitations_send (owner)",
    ),
    "send an open invitation": (),
    "accept or decline": (),
    "change a role to member": ("api_members_remove",),
    "change a role to maintainer": (
        "api_members_set",
        "api_members_set (owner)",
        "api_members_undo",
    ),
    "create an organization": ("api_orgs_found",),
    "change the display name": ("api_orgs_change", "api_packages_succeed"),
    "change the default visibility": ("api_orgs_change (visibility)", "api_packages_visibility"),
    "add, confirm and remove trusted publishers": (
        "api_publishers_add",
        "api_publishers_confirm",
        "api_publishers_remove",
        "api_publishers_restrict",
    ),
    "add, confirm, rotate and remove webhooks": (
        "api_org_webhooks_add",
        "api_org_webhooks_confirm",
        "api_org_webhooks_remove",
        "api_org_webhooks_rotate",
    ),
    "replay a delivery": ("api_org_webhooks_replay",),
    "change what releases require": ("api_org_rules_change", "api_orgs_require_provenance"),
    "approve or refuse a release": ("api_staged_releases_approve", "api_staged_releases_refuse"),
    "publish or refuse a release": (),
    "hold, restore and erase own": (
        "api_releases_erase",
        "api_releases_hold",
        "api_releases_restore",
    ),
    "write, publish and withdraw advisories": (
        "api_assessments_assess",
        "api_assessments_retract",
        "api_org_advisories_change",
        "api_org_advisories_discard",
        "api_org_advisories_draft",
        "api_org_advisories_publish",
        "api_org_advisories_withdraw",
    ),
    "delete an organization": ("api_orgs_continue", "api_orgs_delete", "api_orgs_keep"),
    "follow packages": (
        "api_approved_ask",
        "api_follows_organization",
        "api_follows_organization_end",
        "api_follows_package",
        "api_follows_package_end",
        "api_name_disputes_appeal",
        "api_name_disputes_open",
        "api_name_disputes_state",
        "api_name_disputes_withdraw",
        "api_ownership_request",
        "api_reports_make",
    ),
    "list members": (),
    "approve a device login": (),
    "sign in, link": (),
    "list and end sessions": (),
    "read the log of the account": (),
    "*administrators:* hold": (
        "api_moderation_hold",
        "api_moderation_lock",
        "api_moderation_package_hold",
        "api_moderation_package_restore",
        "api_moderation_quarantine",
        "api_moderation_quarantine_many",
        "api_moderation_report_decide",
        "api_moderation_restore",
        "api_moderation_revoke",
        "api_moderation_unlock",
    ),
    "*administrators:* remove": (
        "api_moderation_erase",
        "api_moderation_move_name",
        "api_moderation_remove",
        "api_moderation_reserve_name",
    ),
    "*administrators:* apply": ("api_apply",),
    "*administrators:* fetch": ("api_mirror_keep", "api_mirror_retry", "api_webhooks_replay"),
    "*administrators:* everything else": (
        "api_accounts_leave",
        "api_advisories_change",
        "api_advisories_discard",
        "api_advisories_draft",
        "api_advisories_publish",
        "api_advisories_withdraw",
        "api_approved_approve",
        "api_approved_refuse",
        "api_approved_withdraw",
        "api_directory_locks_decide",
        "api_groups_replace",
        "api_mirror_admit",
        "api_mirror_replace",
        "api_mirror_withhold",
        "api_moderation_confirm",
        "api_moderation_reject",
        "api_moderation_withdraw",
        "api_name_disputes_decide",
        "api_org_quota_change",
        "api_orgs_allow_bursts",
        "api_orgs_freeze",
        "api_orgs_unfreeze",
        "api_ownership_decide",
        "api_packages_freeze",
        "api_packages_unfreeze",
        "api_rules_change",
        "api_scim_takeovers_allow",
        "api_scim_tokens_issue",
        "api_scim_tokens_revoke",
        "api_webhooks_add",
        "api_webhooks_confirm",
        "api_webhooks_remove",
        "api_webhooks_rotate",
    ),
}
# Their caller needs no account: a scanner signs, a job proves which run it is, and a client asks
# for a token that a person then allows.
WITHOUT_ACCOUNTS = {
    "api_leaks_report",
    "api_trusted_end",
    "api_trusted_exchange",
    "device_api_ask",
    "device_api_token",
}
# The registry of the matrix mirrors nothing, so it refuses these before it asks for a sign-in.
AFTER_THE_MIRROR = {"api_mirror_admit", "api_mirror_replace", "api_mirror_withhold"}
GIVEN_BY_ADMINISTRATORS = {
    "scanner": "moderate",
    "scanner for some": "moderate",
    "workflow of the file": "apply",
}

TABLE = re.findall(r"<!-- operations.*? -->\n(.*?)\n<!-- end -->", docs("use/tokens"), re.DOTALL)[
    0
].splitlines()[2:]
CELLS = [[cell.strip() for cell in row.strip("|").split("|")] for row in TABLE]


def scopes_that_may(operation: str) -> set[str]:
    """Return which tokens may: those that `manage`, or those of a scope of administrators."""
    expects = DECLARED[operation].expects
    found: set[str] = set()
    for persona in PERSONAS:
        if persona.credential is Credential.TOKEN and _may(persona, expects(persona, State.PUBLIC)):
            found.add(GIVEN_BY_ADMINISTRATORS.get(persona.name, "of people"))
    return found


def _may(persona: Persona, outcomes: set[Outcome]) -> bool:
    """Say whether rights allow it; members and administrators are told what is not there."""
    knows = persona.administrator or persona.role is not None
    return Outcome.DONE in outcomes or (knows and Outcome.HIDDEN in outcomes)


def test_each_operation_that_changes_something_is_in_one_row() -> None:
    changing = {each.name for each in OPERATIONS if not set(each.methods) <= set(READ_METHODS)}
    listed = [name for names in ROWS.values() for name in names]
    assert len(listed) == len(set(listed))
    plain = {name.partition(" (")[0] for name in listed}
    assert changing - WITHOUT_ACCOUNTS <= plain
    assert plain <= set(DECLARED)


def test_each_row_of_the_page_is_known() -> None:
    for (operation, *_), beginning in zip(CELLS, ROWS, strict=True):
        assert operation.startswith(beginning)


@pytest.mark.parametrize(
    ("row", "operation"), [(row, name) for row, names in ROWS.items() for name in names]
)
def test_a_token_may_what_its_row_says(row: str, operation: str) -> None:
    [said] = [said for what, said, _ in CELLS if what.startswith(row)]
    may = scopes_that_may(operation)
    if operation in AFTER_THE_MIRROR:
        assert said == "**person**"
    elif said.startswith("scope `"):
        [scope] = re.findall(r"^scope `(\w+)`", said)
        assert may == {scope}
    elif said == "**person**":
        assert may == set()
    else:
        assert re.match(r"yes\b", said)
        assert "of people" in may
