"""The reason of a failed connection stays what it is behind caches and circuit breakers, and
people read it."""

from collections.abc import Mapping

import pytest

from shared.auth.issuer_keys import IssuerDiscovery
from shared.domain.errors.identity import issuer_silent
from shared.ports.http_client import (
    AnswerUnusable,
    CertificateUntrusted,
    HttpResponse,
    ProxyFailed,
    ServerUnreachable,
    Unanswered,
)
from shared.runtime.circuit_breaker import FAILURES_TO_OPEN, CircuitBreaker
from shared.services.mirroring.upstreams import UpstreamSource, refusal_of
from shared.services.organizations.webhook_delivery import reason_for_owners
from tests.fakes.system import FakeClock


class Failing:
    """A `HttpClient` whose requests all fail so."""

    def __init__(self, failure: Unanswered) -> None:
        self._failure = failure

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        return await self.post(url, headers, b"")

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        raise self._failure


@pytest.mark.parametrize("kind", [CertificateUntrusted, ProxyFailed])
async def test_a_sign_in_page_names_the_certificate_or_the_proxy(
    kind: type[ServerUnreachable],
) -> None:
    told: list[tuple[str, str]] = []
    fetcher = Failing(kind("the reason"))
    discovery = IssuerDiscovery(fetcher, FakeClock(), lambda *what: told.append(what))
    with pytest.raises(kind, match="the reason"):
        await discovery.document("https://login.test")
    with pytest.raises(kind, match="the reason") as failed:  # It is not tried again.
        await discovery.document("https://login.test")
    assert told == [("https://login.test", "the reason")]
    sentence = str(issuer_silent("Entra", failed.value.trouble))
    assert sentence.startswith(f"'Entra' {kind.trouble}, so what it signed cannot be checked.")
    assert "The operator finds the reason in the log." in sentence


@pytest.mark.parametrize("kind", [CertificateUntrusted, ProxyFailed])
async def test_a_build_is_told_of_the_certificate_or_the_proxy_of_an_upstream(
    kind: type[ServerUnreachable],
) -> None:
    breaker = CircuitBreaker(FakeClock(), lambda _: None)

    async def fail() -> None:
        reason = "the reason"
        raise kind(reason)

    for number in range(FAILURES_TO_OPEN):
        with pytest.raises(kind):
            await breaker.ask(f"a/b{number}", fail)
    with pytest.raises(kind, match="left alone for a time: the reason") as failed:
        await breaker.ask("a/b", fail)
    source = UpstreamSource("central", "https://api.test", None, breaker)  # type: ignore[arg-type]
    assert str(refusal_of(failed.value, "acme/x", source)) == (
        f"acme/x is not stored here, and the upstream registry central {kind.trouble}. Ask the "
        "operator of this registry, whose log has the reason."
    )


def test_owners_of_webhooks_learn_no_names_that_only_the_proxy_knows() -> None:
    public = ProxyFailed("the proxy p:1 refuses the connection (403)")
    public.is_name_public = True
    hidden = ProxyFailed("the proxy p:1 does not reach the server (503)")
    assert "not reached through the proxy" in reason_for_owners(public)
    assert "does not trust" in reason_for_owners(CertificateUntrusted("x"))
    same = {
        reason_for_owners(each)
        for each in (hidden, AnswerUnusable("not public"), ServerUnreachable("refused"))
    }
    assert len(same) == 1
    assert "p:1" not in same.pop()
