"""Which connections go through a proxy."""

from ipaddress import ip_address

import pytest

from shared.domain.proxies import Proxy, ProxyRules

PROXY = "http://proxy.example.org:3128"


def way(host: str, no_proxy: str = "", *, port: int = 443, address: str = "") -> bool:
    """Say whether a connection by https goes through the proxy."""
    rules = ProxyRules.parse(PROXY, "", no_proxy)
    return (
        rules.proxy_for("https", host, port, [ip_address(address)] if address else []) is not None
    )


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://proxy.example.org:3128", "http://proxy.example.org:3128"),
        ("proxy.example.org:3128", "http://proxy.example.org:3128"),
        ("https://proxy.example.org", "https://proxy.example.org:443"),
        ("http://proxy.example.org/", "http://proxy.example.org:80"),
        ("http://[fd00::1]:3128", "http://[fd00::1]:3128"),
    ],
)
def test_a_proxy_is_an_address(text: str, url: str) -> None:
    assert Proxy.parse(text).url == url


def test_the_text_of_a_proxy_has_no_password() -> None:
    proxy = Proxy.parse("http://kim:a%40b@proxy.example.org:3128")
    assert (proxy.user, proxy.password) == ("kim", "a@b")
    assert proxy.authorization == "Basic a2ltOmFAYg=="
    assert proxy.url_with_credentials == "http://kim:a%40b@proxy.example.org:3128"
    assert "a@b" not in f"{proxy} {proxy.url}"


@pytest.mark.parametrize(
    "text",
    ["socks5://proxy.example.org:1080", "http://:3128", "http://proxy:port", "http://p/path", "é"],
)
def test_what_is_no_address_of_a_proxy_is_refused_without_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="not the address of a proxy") as refused:
        Proxy.parse(text)
    assert text not in str(refused.value)


def test_each_scheme_has_its_proxy() -> None:
    rules = ProxyRules.parse("http://one.example.org:1", "http://two.example.org:2", "")
    assert str(rules.proxy_for("https", "example.com", 443)) == "one.example.org:1"
    assert str(rules.proxy_for("http", "example.com", 80)) == "two.example.org:2"
    assert ProxyRules.parse("", "http://two.example.org:2", "").proxy_for("https", "x", 1) is None


@pytest.mark.parametrize(
    ("no_proxy", "host"),
    [
        ("example.org", "example.org"),
        ("example.org", "a.b.example.org"),
        (".example.org", "example.org"),
        (".example.org", "a.example.org"),
        ("*.example.org", "a.example.org"),
        ("Example.ORG", "A.example.org."),
        ("other.test, example.org", "example.org"),
        ("other.test example.org", "example.org"),
        ("example.org:443", "example.org"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.0.0.0/8", "10.1.2.3"),
        ("10.1.2.3:443", "10.1.2.3"),
        ("fd00::/8", "fd00::1"),
        ("[fd00::1]", "fd00::1"),
        ("[fd00::1]:443", "fd00::1"),
        ("*", "anything.test"),
    ],
)
def test_hosts_of_no_proxy_are_called_directly(no_proxy: str, host: str) -> None:
    assert not way(host, no_proxy)


@pytest.mark.parametrize(
    ("no_proxy", "host"),
    [
        ("", "example.org"),
        ("example.org", "badexample.org"),
        ("a.example.org", "example.org"),
        ("example.org:8443", "example.org"),
        ("10.0.0.0/8", "11.1.2.3"),
        ("10.0.0.0/8", "example.org"),
        ("[fd00::1]:8443", "fd00::1"),
        ("fd00::/8", "10.1.2.3"),
        (",,", "example.org"),
    ],
)
def test_hosts_outside_no_proxy_go_through_the_proxy(no_proxy: str, host: str) -> None:
    assert way(host, no_proxy)


@pytest.mark.parametrize("host", ["localhost", "a.localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_this_machine_is_never_called_through_a_proxy(host: str) -> None:
    assert not way(host)


@pytest.mark.parametrize(
    ("address", "is_through"),
    [("127.0.0.1", False), ("169.254.169.254", False), ("10.0.0.1", True)],
)
def test_a_name_of_this_machine_is_one_by_its_address(address: str, is_through: bool) -> None:
    assert way("registry.test", address=address) is is_through
