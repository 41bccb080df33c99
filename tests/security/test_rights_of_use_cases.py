"""The right that a use case declares is the one that the table of rights has for its operation."""

import pytest

from functions.api.api_face import ApiOperation
from functions.api.openapi import OPERATIONS
from shared.domain.access_rights import REGISTRY_ACTIONS
from shared.domain.recent_sign_in import RECENT_SIGN_IN_ACTIONS
from shared.domain.scopes import Action
from tests.security.access_table import (
    DECLARED,
    Expects,
    Outcome,
    State,
    administrators,
    founders,
    fresh_administrators,
    members_alone,
    moderators,
    moderators_of_package,
    own_account,
    reporters,
    with_right,
)
from tests.security.personas import PERSONAS, Persona

# The matrix asks to remove somebody who is no member, which everybody is told.
OF_NOBODY = {"api_members_remove"}
OF_USE_CASES = [each for each in OPERATIONS if each.openapi.case and each.name not in OF_NOBODY]
# An organization that is not there yet has no owners, and whoever has an account reports releases
# of others.
NAMED = {"api_orgs_found": founders, "api_reports_make": reporters}
# Its service wants a recent sign-in for tokens that manage or moderate, and for others none.
BY_SCOPE = {"token_rotate"}


def expected(operation: ApiOperation) -> Expects:
    """Return what comes of a request by the right of the use case."""
    case = operation.openapi.case
    assert case
    is_about_package = "{name}" in operation.route
    if case.right in REGISTRY_ACTIONS:
        moderating = moderators_of_package if is_about_package else moderators
        return moderating if case.right is Action.MODERATE else fresh_administrators
    if operation.name in NAMED:
        return NAMED[operation.name]
    if is_about_package:
        return with_right(case.right)
    if "{org}" in operation.route:
        return members_alone(case.right)
    if operation.route.startswith("api/v1/tokens"):
        return own_account()
    return fresh_administrators if case.right in RECENT_SIGN_IN_ACTIONS else administrators


def who_may(operation: ApiOperation, expects: Expects) -> set[str]:
    """Return who is let, whether or not there is such a subject; an organization is not there for
    outsiders."""
    return {
        each.name
        for each in PERSONAS
        for outcome in expects(each, State.PUBLIC)
        if outcome is Outcome.DONE
        or (outcome is Outcome.HIDDEN and ("{org}" not in operation.route or _belongs(each)))
    }


def _belongs(persona: Persona) -> bool:
    return persona.administrator or persona.role is not None


@pytest.mark.parametrize("operation", OF_USE_CASES, ids=lambda each: each.name)
def test_a_use_case_declares_the_right_that_its_operation_needs(operation: ApiOperation) -> None:
    # Inviting somebody as a member takes less.
    highest = f"{operation.name} (maintainer)"
    declared = DECLARED.get(highest, DECLARED[operation.name]).expects
    assert who_may(operation, declared) == who_may(operation, expected(operation))


def test_of_own_tokens_only_a_rotation_may_take_a_recent_sign_in() -> None:
    assert {
        each.name
        for each in OF_USE_CASES
        if each.route.startswith("api/v1/tokens")
        and (case := each.openapi.case)
        and case.requires_recent_sign_in
    } == BY_SCOPE
