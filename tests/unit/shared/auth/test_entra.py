"""What app roles and groups of Entra ID are mapped to, and who sends a token of the tenant."""

import pytest

from shared.auth.entra import EntraAccess, EntraRoles, EntraTenant, audiences
from shared.auth.issuer_keys import IssuerDiscovery, IssuerKeys
from shared.auth.signed_tokens import Claims, TokenFlaw
from shared.auth.tokens import Secret
from shared.domain.accounts import Account, AccountLock, Identity
from shared.domain.errors.identity import SignedTokenRefused
from shared.domain.identity import Principal, Role, RoleGrant, Scope
from shared.domain.records import Entity
from tests.fakes.identity_provider import CLIENT_ID, FakeInternet, Issuer
from tests.fakes.stores import FakeDirectory
from tests.fakes.system import START_MS, FakeClock
from tests.support.refusals import raises_refusal

TEXT = (
    '[{"claim": "Publish", "org": "acme", "role": "maintainer", "scopes": ["read", "push-new"]},'
    ' {"claim": "a-group", "scopes": ["read"]}]'
)


def test_roles_and_groups_are_mapped_to_grants_and_holdings() -> None:
    mapped = EntraRoles.parse(TEXT).of(Claims({"roles": ["Publish"], "groups": ["a-group", "b"]}))
    assert [(grant.org, grant.scopes) for grant in mapped.grants] == [("*", {Scope.READ})]
    published = frozenset({Scope.READ, Scope.PUSH_NEW})
    assert mapped.holdings == (RoleGrant(org="acme", role=Role.MAINTAINER, scopes=published),)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[",
        '[{"claim": "a"}]',
        '[{"claim": "", "scopes": ["read"]}]',
        '[{"claim": "a", "scopes": []}]',
        '[{"claim": "a", "scopes": ["everything"]}]',
        '[{"claim": "a", "scopes": ["read"], "role": "king"}]',
        '[{"claim": "a", "scopes": ["read"], "organisation": "acme"}]',
    ],
)
def test_a_mapping_that_cannot_be_read_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(ValueError, match="it is no list such as"):
        EntraRoles.parse(text)


def test_tokens_are_for_the_application_unless_the_operator_says_otherwise() -> None:
    assert audiences("id", []) == ("id", "api://id")
    assert audiences("id", ["https://registry.test"]) == ("https://registry.test",)


def test_a_tenant_accepts_its_tokens_of_both_versions() -> None:
    expected = EntraTenant("https://login.test", "tenant", ("api",)).expected
    assert (expected.issuer, expected.audiences) == ("https://login.test/tenant/v2.0", ("api",))
    assert expected.also_issuers == ("https://sts.windows.net/tenant/",)


# --- who sends a token --------------------------------------------------------------------------

KIM = Account(id="kim0000000", name="kim", created_ms=0)
LOCKED = KIM.model_copy(update={"lock": AccountLock(at_ms=0, by="operator", reason="Stolen.")})
TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
HOST = "https://login.test"
ISSUER = f"{HOST}/{TENANT}/v2.0"
END_S = START_MS // 1000 + 600
LINKED = Identity(
    issuer=ISSUER, identifier="object", account=KIM.id, label="kim", provider="entra", linked_ms=0
)


async def authenticated(*stored: Entity, **changed: object) -> Principal:
    """Return who a token of the tenant is of, where this is stored."""
    clock = FakeClock()
    issuer = Issuer(ISSUER, lambda: clock.now_ms() / 1000)
    internet = FakeInternet([issuer])
    access = EntraAccess(
        tenant=EntraTenant(HOST, TENANT, (CLIENT_ID,)),
        roles=EntraRoles.parse(TEXT),
        issuer_keys=IssuerKeys(internet, IssuerDiscovery(internet, clock), clock),
        directory=FakeDirectory.holding(*stored),
        clock=clock,
    )
    said = {
        "aud": CLIENT_ID,
        "sub": "someone",
        "oid": "object",
        "tid": TENANT,
        "azp": "app",
        "uti": "the-token",
    }
    token = issuer.sign({**said, "exp": END_S, **changed})
    return await access.authenticate(Secret(token))


async def test_a_principal_has_the_id_and_the_end_of_its_token() -> None:
    by = await authenticated(roles=["Publish"], groups=["a-group"])
    assert (by.id, by.credential) == ("entra-object", "entra:the-token")
    assert by.expires_ms == END_S * 1000
    assert [grant.scopes for grant in by.grants] == [{Scope.READ}]
    assert [(each.org, each.role) for each in by.role_grants] == [("acme", Role.MAINTAINER)]


async def test_a_token_without_an_id_is_known_by_its_kind() -> None:
    assert (await authenticated(uti=None)).credential == "entra:"


async def test_the_account_of_a_linked_identity_may_be_locked() -> None:
    with raises_refusal("account-locked", match=r"^The account kim is locked"):
        await authenticated(LOCKED, LINKED)


async def test_a_token_of_another_tenant_and_an_id_token_are_refused_with_the_reason() -> None:
    for changed, reason in (
        ({"tid": "other"}, TokenFlaw.TENANT.value),
        ({"azp": None}, "it is no access token for this registry's API"),
        ({"nonce": "n"}, "it is no access token for this registry's API"),
    ):
        with pytest.raises(SignedTokenRefused, match=reason):
            await authenticated(**changed)
