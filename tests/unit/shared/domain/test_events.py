"""Events: which logs show them."""

from shared.domain.access_rights import PUBLISHING_ROLES
from shared.domain.events import ROLES_THAT_PUBLISH


def test_the_roles_whose_changes_are_in_histories_are_those_that_publish() -> None:
    assert {each.value for each in PUBLISHING_ROLES} == ROLES_THAT_PUBLISH
