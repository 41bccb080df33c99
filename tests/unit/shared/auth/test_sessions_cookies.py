"""What a browser shows before anybody is signed in, and what proves that it was here before."""

import pytest

from shared.auth.browsers import BROWSER_NAME_LENGTH, Browsers, KnownBrowsers
from shared.auth.cookies import Cookie, SameSite
from shared.auth.secrets import Secret
from tests.fakes.system import FakeRandomness
from tests.unit.shared.auth.test_sessions import KEYS, URL

ANN = "ann0000000"
BOB = "bob0000000"


def devices(seed: str = "devices") -> KnownBrowsers:
    return KnownBrowsers(KEYS, FakeRandomness(seed), URL)


def shown(cookie: Secret, known: KnownBrowsers) -> str:
    """Return what a browser shows that got this cookie."""
    text, _, attributes = cookie.reveal().partition(";")
    assert text.partition("=")[0] in ("ballroom-device-local", "__Host-ballroom-device")
    assert f"Max-Age={365 * 86_400}" in attributes
    return known.read({"cookie": text})


def test_a_browser_is_known_to_the_account_that_was_signed_in_with_it() -> None:
    known = devices()
    text = shown(known.remember(ANN), known)
    assert known.is_known(ANN, text)
    assert not known.is_known(BOB, text)


def test_a_remembered_browser_cannot_be_forged_from_parts() -> None:
    known = devices()
    name, _, signature = shown(known.remember(ANN), known).partition(".")
    for forged in (name, f"{name}.", f".{signature}", f"x{name}.{signature}", f"{name}.x", ""):
        assert not known.is_known(ANN, forged)
    assert not known.is_known(ANN, f"{name}.{name}.{signature}")


def test_two_browsers_show_different_things() -> None:
    one, two = (devices(seed).remember(ANN) for seed in ("one", "two"))
    assert one.reveal() != two.reveal()


def test_forms_of_browsers_and_proofs_of_devices_are_signed_apart() -> None:
    browsers = Browsers(KEYS, FakeRandomness("browsers"), URL)
    form = browsers.csrf_token("name")
    assert browsers.is_csrf_token_valid("name", form)
    assert not browsers.is_csrf_token_valid("other", form)
    assert not browsers.is_csrf_token_valid("", browsers.csrf_token(""))
    assert not devices().is_known("name", f".{form}")
    assert not browsers.is_csrf_token_valid(
        f"{ANN}\nname", KEYS.signer("device").sign(f"{ANN}\nname")
    )


def test_a_browser_keeps_the_name_that_it_was_given() -> None:
    browsers = Browsers(KEYS, FakeRandomness("browsers"), URL)
    name, cookie = browsers.name_or_create({})
    assert len(name) == BROWSER_NAME_LENGTH
    text = cookie.reveal().partition(";")[0]
    for headers in ({"cookie": text}, {"cookie": f"other=1; {text}"}):
        assert browsers.name(headers) == name
        again, kept = browsers.name_or_create(headers)
        assert (again, kept.reveal().partition(";")[0]) == (name, text)
    assert browsers.name({"cookie": f"{text}-"}) == ""


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"origin": "null"}, False),
        ({"origin": "https://registry.test"}, False),
        ({"origin": "https://internal.test", "host": "internal.test"}, False),
        ({"origin": "https://evil.test"}, True),
        ({"origin": "https://evil.test", "host": "registry.test"}, True),
        ({"origin": "https://registry.test:8443"}, True),
    ],
)
def test_a_request_of_another_site_names_its_origin(
    headers: dict[str, str], expected: bool
) -> None:
    cookie = Cookie.named("session", "https://registry.test", SameSite.FORMS)
    assert cookie.is_sent_by_another_site(headers) is expected
