"""Cookies of the registry."""

from datetime import timedelta

import pytest

from shared.auth.cookies import Cookie, SameSite
from shared.domain.errors.base import InvalidRequest
from shared.domain.sign_in import needs_https

URL = "https://registry.test"


def test_over_https_a_cookie_is_only_for_this_host() -> None:
    name, *attributes = (
        Cookie.named("ballroom", URL).set("v", timedelta(hours=1)).reveal().split("; ")
    )
    assert name == "__Host-ballroom=v"
    assert attributes == ["Max-Age=3600", "Path=/", "HttpOnly", "SameSite=Lax", "Secure"]
    crossing = Cookie.named("ballroom", URL, SameSite.FORMS).delete().reveal()
    assert crossing == "__Host-ballroom=; Max-Age=0; Path=/; HttpOnly; SameSite=None; Secure"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:7071", "http://localhost:7071", "http://[::1]:7071"]
)
def test_on_this_machine_a_cookie_needs_no_https_and_has_another_name(url: str) -> None:
    cookie = Cookie.named("ballroom", url, SameSite.FORMS).set("v", timedelta(hours=1)).reveal()
    assert cookie == "ballroom-local=v; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax"


@pytest.mark.parametrize("url", ["http://registry.test", "http://10.0.0.1", "http://127.0.0.1.x"])
def test_elsewhere_nobody_signs_in_on_plain_http(url: str) -> None:
    assert needs_https(url)
    with pytest.raises(InvalidRequest, match="BALLROOM_URL"):
        Cookie.named("ballroom", url).set("v", timedelta(hours=1))
