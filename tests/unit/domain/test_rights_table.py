"""The table of rights as it is printed: a row for each action, and what the code says."""

from shared.domain.rights import FRESH, PUBLISHING, RIGHTS, Action, Role, Scope
from shared.domain.rights_table import JOB_SCOPES, MACHINE_SCOPES, rights_table


def rows() -> list[dict[str, str]]:
    """Return the rows of the table by the names of its columns."""
    text = rights_table().splitlines()
    head, _, *lines = [[cell.strip() for cell in row.strip("|").split("|")] for row in text]
    return [dict(zip(head, line, strict=True)) for line in lines]


def test_every_action_has_a_row_with_its_scope_and_its_roles() -> None:
    assert len(rows()) == len(Action)
    for action, row in zip(Action, rows(), strict=True):
        scope, roles = RIGHTS[action]
        assert row["scope"] == f"`{scope.value}`"
        assert {role for role in Role if row[role.value] == "yes"} == roles
        assert (row["signed in within 10 minutes"] == "yes") is (action in FRESH)


def test_no_token_does_what_takes_a_fresh_sign_in() -> None:
    for row in rows():
        if row["signed in within 10 minutes"] == "yes":
            assert row["token of an organization"] == row["token of a CI job"] == "-"


def test_administrators_do_everything() -> None:
    assert {row["administrator"] for row in rows()} == {"yes"}


def test_a_job_publishes_and_does_nothing_else() -> None:
    by_job = [row["scope"] for row in rows() if row["token of a CI job"] == "yes"]
    assert by_job == ["`push-new`", "`push-version`"]
    assert JOB_SCOPES == PUBLISHING


def test_the_token_of_an_organization_does_all_that_manages_nothing() -> None:
    assert set(Scope) - MACHINE_SCOPES == {Scope.MANAGE}
    for action, row in zip(Action, rows(), strict=True):
        scope, roles = RIGHTS[action]
        may = Role.MAINTAINER in roles and scope is not Scope.MANAGE
        assert (row["token of an organization"] == "yes") is may


def test_the_table_is_one_of_markdown() -> None:
    head, rule, *lines = rights_table().splitlines()
    columns = [
        *("to …", "scope", "owner", "maintainer", "member", "administrator"),
        *("token of an organization", "token of a CI job", "signed in within 10 minutes"),
    ]
    assert head == f"| {' | '.join(columns)} |"
    assert rule == "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    assert lines[0] == (
        "| see and pull a private package | `read` | yes | yes | yes | yes | yes | - | - |"
    )
    assert {cell for row in rows() for name, cell in row.items() if name not in columns[:2]} == {
        *("yes", "-"),
    }
