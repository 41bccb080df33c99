"""The token of a job counts when a trusted issuer signed it, for this registry, now."""

import pytest

from shared.auth.issuer_keys import IssuerDiscovery, IssuerKeys
from shared.auth.secrets import Secret
from shared.domain.errors.base import Refusal
from shared.domain.errors.identity import SignedTokenRefused
from shared.domain.trusted_publishing.jobs import Provider
from shared.runtime.refreshed_values import ignore_failure
from shared.services.tokens.trusted_publishing import (
    AZURE_DEVOPS_AUDIENCE,
    JobTokenVerifier,
    TrustedIssuer,
)
from tests.fakes.system import FakeClock
from tests.support.trusted_publishing import ISSUERS, JOBS, provider_issuers

AUDIENCE = "https://registry.test"


class Bench:
    """What reads the tokens of four providers."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.ci = provider_issuers(self.clock, AUDIENCE)
        fetcher = self.ci.internet
        keys = IssuerKeys(
            fetcher,
            IssuerDiscovery(fetcher, self.clock, ignore_failure),
            self.clock,
            ignore_failure,
        )
        others = [
            TrustedIssuer(provider, ISSUERS[provider], (audience,))
            for provider, audience in (
                (Provider.GITHUB, AUDIENCE),
                (Provider.GITLAB, AUDIENCE),
                (Provider.AZURE_DEVOPS, AZURE_DEVOPS_AUDIENCE),
            )
        ]
        self.jobs = JobTokenVerifier(others, keys, self.clock)

    async def refusal_of(self, token: str) -> Refusal:
        """Return why the token is not read."""
        with pytest.raises(Refusal) as caught:
            await self.jobs.read(Secret(token))
        return caught.value


@pytest.fixture
def bench() -> Bench:
    """Return a bench of the test's own."""
    return Bench()


@pytest.mark.parametrize("provider", JOBS)
@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"aud": "https://registry.example"}, "another audience"),
        ({"aud": ["https://registry.example"]}, "another audience"),
        ({"aud": ["https://registry.example", AUDIENCE, AZURE_DEVOPS_AUDIENCE]}, "other audiences"),
        ({"aud": None}, "claim aud is missing"),
        ({"exp": 1_000}, "expired"),
        ({"exp": None}, "claim exp is missing"),
        ({"jti": None, "uti": None}, "ti is missing"),
        ({"jti": "", "uti": ""}, "ti is missing"),
        ({"iss": "https://evil.test"}, "takes no jobs of its issuer"),
        ({"iss": None}, "takes no jobs of its issuer"),
    ],
)
async def test_a_token_that_is_not_for_this_registry_now_is_refused(
    bench: Bench, provider: Provider, changes: dict[str, object], flaw: str
) -> None:
    refusal = await bench.refusal_of(bench.ci.token(provider, **changes))
    assert isinstance(refusal, SignedTokenRefused)
    assert flaw in str(refusal)


async def test_one_provider_cannot_sign_for_another(bench: Bench) -> None:
    mixed = provider_issuers(bench.clock, AUDIENCE)
    mixed.issuers[Provider.GITLAB] = bench.ci.issuers[Provider.GITHUB]
    assert "signature is wrong" in str(await bench.refusal_of(mixed.token(Provider.GITLAB)))


def test_the_servers_are_those_whose_issuers_are_trusted(bench: Bench) -> None:
    assert bench.jobs.servers == {
        Provider.GITHUB: {"https://github.com"},
        Provider.GITLAB: {"https://gitlab.com"},
        Provider.AZURE_DEVOPS: {"https://dev.azure.com"},
        Provider.ENTRA: set(),
        Provider.OIDC: set(),
    }
