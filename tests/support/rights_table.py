"""The table of docs/reference/rights.md, as the code has it.

`python -m tests.support.rights_table` writes it into the page again.
"""

import re
from collections.abc import Iterator

from shared.domain.access_rights import ACTIONS_OF_AUDITORS, RIGHTS
from shared.domain.recent_sign_in import RECENT_SIGN_IN_ACTIONS
from shared.domain.scopes import ADMINISTRATORS_SCOPES, PUBLISHING_SCOPES, Action, Role, Scope
from tests.paths import ROOT
from tests.support.markdown_tables import markdown_table

_HEAD = (
    "to …",
    "scope",
    *(role.value for role in Role),
    "administrator",
    "auditor",
    "token of an organization",
    "token of a CI job",
    "signed in within 10 minutes",
)

# The scopes of tokens that belong to no person; they have the role maintainer.
MACHINE_SCOPES = frozenset(Scope) - {Scope.MANAGE, *ADMINISTRATORS_SCOPES}
JOB_SCOPES = PUBLISHING_SCOPES

_WORDS = {
    Action.READ: "see and pull a private package",
    Action.PUSH_NEW: "publish a new package",
    Action.PUSH_VERSION: "publish a version",
    Action.DEPRECATE: "deprecate and undeprecate",
    Action.MANAGE: "manage: invite and remove members with the role member; remove roles "
    "and tokens; name the successor of a package; read the audit log and webhooks, and replay "
    "deliveries",
    Action.LEAVE: "leave the organization",
    Action.GOVERN: "govern: grant roles that publish, change owners, create tokens of the "
    "organization, trusted publishers and webhooks; visibility, held and own releases, "
    "continuation, deletion",
    Action.APPROVE: "approve or refuse a release that a rule holds",
    Action.OPERATE: "administer the registry; remove releases, reserve and move names",
    Action.MODERATE: "moderate: hold, quarantine and restore releases, hold packages, lock and "
    "unlock accounts and revoke their tokens; propose what cannot be undone",
    Action.AUDIT: "audit: read the audit log, rights, reports and all other pages below `/manage`",
    Action.APPLY: "apply and export a registry file",
}


def rights_table() -> str:
    """Return the table of rights in Markdown, a row for each action."""
    return markdown_table(_HEAD, (tuple(_cells(action)) for action in Action))


def _cells(action: Action) -> Iterator[str]:
    scope, roles = RIGHTS[action]
    yield _WORDS[action]
    yield f"`{scope.value}`"
    yield from (_yes(role in roles) for role in Role)
    yield _yes(True)  # Administrators hold every role everywhere.
    yield _yes(action in ACTIONS_OF_AUDITORS)
    for scopes in (MACHINE_SCOPES, JOB_SCOPES):
        yield _yes(
            Role.MAINTAINER in roles and scope in scopes and action not in RECENT_SIGN_IN_ACTIONS
        )
    yield _yes(action in RECENT_SIGN_IN_ACTIONS)


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "-"


def _write() -> None:
    page = ROOT / "docs" / "reference" / "rights.md"
    table = re.compile(
        r"(?<=<!-- rights: a test compares this with the code -->\n).*?(?=\n<!-- end -->)",
        re.DOTALL,
    )
    page.write_text(table.sub(lambda _: rights_table(), page.read_text("utf-8"), count=1), "utf-8")


if __name__ == "__main__":
    _write()
