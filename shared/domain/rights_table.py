"""The table of rights as people read it; docs/security.md holds what this prints."""

from collections.abc import Iterator

from shared.domain.rights import FRESH, PUBLISHING, RIGHTS, Action, Role, Scope

_HEAD = (
    "to …", "scope", *(role.value for role in Role), "administrator",
    "token of an organization", "token of a CI job", "signed in within 10 minutes",
)  # fmt: skip

# What tokens that belong to no person may be good for; both are maintainers of their organization.
MACHINE_SCOPES = frozenset(Scope) - {Scope.MANAGE}
JOB_SCOPES = PUBLISHING

_WORDS = {
    Action.READ: "see and pull a private package",
    Action.PUSH_NEW: "publish a new package",
    Action.PUSH_VERSION: "publish a version",
    Action.DEPRECATE: "deprecate, and take that back",
    Action.MANAGE: "manage: members who only read and their invitations; take roles, tokens and "
    "domains away; see the log",
    Action.LEAVE: "leave the organization",
    Action.GOVERN: "govern: roles and invitations that publish, owners, texts of the "
    "organization's tokens, publishers, domains, visibility, held releases, deletion",
    Action.OPERATE: "moderate, and run the registry",
}


def rights_table() -> str:
    """Return the table in Markdown, a row for each action."""
    rows = [_HEAD, ("---",) * len(_HEAD), *(tuple(_cells(action)) for action in Action)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cells(action: Action) -> Iterator[str]:
    scope, roles = RIGHTS[action]
    yield _WORDS[action]
    yield f"`{scope.value}`"
    yield from (_yes(role in roles) for role in Role)
    yield _yes(True)  # Administrators hold every role everywhere.
    for scopes in (MACHINE_SCOPES, JOB_SCOPES):
        yield _yes(Role.MAINTAINER in roles and scope in scopes and action not in FRESH)
    yield _yes(action in FRESH)


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "-"
