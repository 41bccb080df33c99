"""What actions are called."""

from shared.domain.scopes import Action


def test_an_action_is_named_as_it_follows_you_may_not() -> None:
    assert [action.verb for action in Action] == [
        "read",
        "publish",
        "publish",
        "deprecate",
        "manage",
        "leave",
        "manage",
        "approve",
        "administer",
        "moderate",
        "audit",
        "apply a registry file to",
    ]
