"""Package URLs."""

from shared.domain.names import Coordinate
from shared.domain.purl import purl


def test_a_package_url_names_the_release_and_the_registry() -> None:
    coordinate = Coordinate.parse("acme", "greet.formal", "1.0.0-rc.1")
    expected = (
        "pkg:ballerina/acme/greet.formal@1.0.0-rc.1?repository_url=https://registry.test:8443"
    )
    assert purl(coordinate, "https://registry.test:8443") == expected


def test_an_address_cannot_end_the_qualifier() -> None:
    named = purl(Coordinate.parse("acme", "greet", "1.0.0"), "https://registry.test/a&b=c#d")
    assert named.endswith("?repository_url=https://registry.test/a%26b%3Dc%23d")
