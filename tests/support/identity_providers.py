"""The test issuer, and each kind of provider over it."""

from collections.abc import Callable

from shared.auth.entra_sign_in import EntraProvider, EntraRegistration
from shared.auth.id_tokens import IdTokenValidator
from shared.auth.identity_providers import (
    Freshness,
    IdentityProvider,
    StartedSignIn,
    StrongClaims,
    VerifiedIdentity,
)
from shared.auth.issuer_keys import IssuerDiscovery, IssuerKeys
from shared.auth.microsoft_graph import MicrosoftGraph
from shared.auth.openid_connect import GitHubProvider, OAuthClient, OidcProvider
from shared.auth.secrets import Secret
from shared.runtime.refreshed_values import ignore_failure
from tests.fakes.identity_provider import CLIENT_ID, CLIENT_SECRET, FakeInternet, answer_of
from tests.fakes.system import FakeClock, FakeRandomness
from tests.support.sign_in import HOST, TENANT, issuer_of_kim

BACK = "https://registry.test/sign-in/it/callback"
STRONG = StrongClaims.parse("amr=fido, acr=phr, acrs=c1")


class ProviderSetup:
    """An issuer, and the three kinds of provider at it."""

    def __init__(self, internet: FakeInternet | None = None) -> None:
        """Open the issuer in this internet."""
        self.clock = FakeClock()
        self.randomness = FakeRandomness("sign-in")
        self.issuer = issuer_of_kim(lambda: self.clock.now_ms() / 1000)
        self.internet = internet or FakeInternet()
        self.internet.issuers.append(self.issuer)
        self.discovery = IssuerDiscovery(self.internet, self.clock, ignore_failure)
        keys = IssuerKeys(self.internet, self.discovery, self.clock, ignore_failure)
        self.id_tokens = IdTokenValidator(keys, self.clock)

    def openid_connect(self, label: str, client: OAuthClient) -> OidcProvider:
        """Return a provider of OpenID Connect at the issuer."""
        return OidcProvider(
            self.issuer.url,
            label,
            client,
            discovery=self.discovery,
            fetcher=self.internet,
            id_tokens=self.id_tokens,
            strong=STRONG,
            clock=self.clock,
            randomness=self.randomness,
            groups_claim="",
        )

    def entra(
        self, assertion: Callable[[], str] | None = None, *, by_form_post: bool = True
    ) -> EntraProvider:
        """Return the provider of the tenant."""
        secret = "" if assertion else CLIENT_SECRET
        client = OAuthClient(CLIENT_ID, Secret(secret), assertion)
        registration = EntraRegistration(HOST, TENANT, client, by_form_post)
        graph = MicrosoftGraph(
            HOST, registration.issuer, registration.client, self.discovery, self.internet
        )
        return EntraProvider(
            registration,
            discovery=self.discovery,
            fetcher=self.internet,
            id_tokens=self.id_tokens,
            strong=STRONG,
            clock=self.clock,
            graph=graph,
            reads_groups=False,
            asks_states=False,
            on_unread_groups=ignore_failure,
        )

    def provider(self, kind: str) -> IdentityProvider:
        client = OAuthClient(CLIENT_ID, Secret(CLIENT_SECRET))
        match kind:
            case "entra":
                return self.entra()
            case "oidc":
                return self.openid_connect("Company", client)
            case _:
                return GitHubProvider(
                    HOST,
                    client,
                    fetcher=self.internet,
                    clock=self.clock,
                    randomness=self.randomness,
                )

    async def answer(self, begun: StartedSignIn) -> dict[str, str]:
        """Return what the browser brings back."""
        page = await self.internet.browse(begun.address)
        return answer_of(page, BACK)

    async def sign_in(
        self, provider: IdentityProvider, freshness: Freshness = Freshness.ANY
    ) -> VerifiedIdentity:
        """Go the whole way."""
        begun = await provider.begin(BACK, freshness)
        return await provider.finish(begun.flow, await self.answer(begun))
