"""Who administers the registry."""

import pytest

from shared.auth.secrets import Secret
from shared.domain.errors.identity import NotPermitted
from shared.domain.event_queries import EventQuery
from shared.domain.grants import Grant
from shared.domain.mail import parse_email
from shared.domain.principals import OPERATOR, Principal
from tests.support.world import World


async def test_a_refusal_says_what_only_administrators_may(world: World) -> None:
    now_ms = world.clock.now_ms()
    bob = world.people.bob.account
    by = Principal(bob.id, "session", (Grant(),), signed_in_ms=now_ms)
    accounts = world.registry.administration.accounts
    administrators = world.registry.administration.administrators
    ann = world.people.ann.account
    link = Secret("x")
    refused = {
        "list the accounts of others": [
            accounts.page("", 1, by=by),
            accounts.search("k", by=by),
            accounts.list_administrators(by=by),
        ],
        "see the accounts of others": [
            accounts.token(ann, "token", by=by),
            accounts.show(ann.id, EventQuery(), by=by),
        ],
        "create the account max": [accounts.create("max", by=by)],
        "invite ann": [accounts.send_sign_in_link(ann, parse_email("a@b.test"), link, by=by)],
        "end the sessions of ann": [accounts.end_sessions(ann, "It was decided.", by=by)],
        "revoke tokens of ann": [
            accounts.revoke_token(ann, "token", "It was decided.", by=by),
            accounts.revoke_all_tokens(ann, "It was decided.", by=by),
        ],
        "lock the account ann": [accounts.lock(ann, "It was stolen.", by=by)],
        "issue sign-in links": [world.registry.identity.sign_in_flow.issue_link(ann, by=by)],
        "unlock the account ann": [accounts.unlock(ann, by=by)],
        "appoint the account ann": [administrators.appoint(ann, by=by)],
        "dismiss the account ann": [administrators.dismiss(ann, "It was decided.", by=by)],
    }
    for what, calls in refused.items():
        for call in calls:
            with pytest.raises(NotPermitted) as raised:
                await call
            assert str(raised.value).startswith(f"You may not {what}: ")


async def test_who_is_appointed_and_dismissed_is_told_so(world: World) -> None:
    ann = world.people.ann.account.model_copy(update={"email": "ann@example.org"})
    administrators = world.registry.administration.administrators
    await world.stores.directory.replace(ann)
    await administrators.appoint(ann, by=OPERATOR)
    await administrators.dismiss(ann, "It was decided.", by=OPERATOR)
    appointed, dismissed = world.mailer.to("ann@example.org")
    assert "no longer an administrator" not in appointed.text
    assert "no longer an administrator" in dismissed.text


async def test_who_is_locked_is_told_by_name(world: World) -> None:
    ann = world.people.ann.account.model_copy(update={"email": "ann@example.org"})
    await world.registry.administration.accounts.lock(ann, "It was stolen.", by=OPERATOR)
    [mail] = world.mailer.to("ann@example.org")
    assert mail.subject == "ann: your account is locked"
