"""Who administers the registry."""

import pytest

from shared.auth.tokens import Secret
from shared.domain.errors.identity import NotPermitted
from shared.domain.events import EventQuery
from shared.domain.mail import parse_email
from tests.support.services import KIM, LEE, AdministrationServices


@pytest.fixture
def services() -> AdministrationServices:
    """Return a registry that ada administers."""
    return AdministrationServices()


# --- locks ----------------------------------------------------------------------------------------


WHY = "Its laptop was stolen."


# --- rights ---------------------------------------------------------------------------------------


async def test_a_refusal_says_what_only_administrators_may(
    services: AdministrationServices,
) -> None:
    by, accounts = services.signed_in(LEE), services.account_administration
    refused = {
        "list the accounts of others": [
            accounts.page("", 1, by=by),
            accounts.search("k", by=by),
            accounts.list_administrators(by=by),
        ],
        "see the accounts of others": [
            accounts.token(KIM, "token", by=by),
            accounts.show(KIM.id, EventQuery(), by=by),
        ],
        "create the account max": [accounts.create("max", by=by)],
        "invite kim": [
            accounts.send_sign_in_link(KIM, parse_email("a@b.test"), Secret("x"), by=by)
        ],
        "end the sessions of kim": [accounts.end_sessions(KIM, by=by)],
        "revoke tokens of kim": [
            accounts.revoke_token(KIM, "token", by=by),
            accounts.revoke_all_tokens(KIM, by=by),
        ],
        "lock the account kim": [accounts.lock(KIM, WHY, by=by)],
        "unlock the account kim": [accounts.unlock(KIM, by=by)],
        "appoint the account kim": [services.administrators.appoint(KIM, by=by)],
        "dismiss the account kim": [services.administrators.dismiss(KIM, by=by)],
    }
    for what, calls in refused.items():
        for call in calls:
            with pytest.raises(NotPermitted) as raised:
                await call
            assert str(raised.value).startswith(f"You may not {what}: ")
