"""Packages are compared without case, and a package URL names a release."""

from shared.domain.coordinates import Coordinate, Package, purl


def test_a_package_url_names_the_release_and_the_registry() -> None:
    coordinate = Coordinate.parse("acme", "greet.formal", "1.0.0-rc.1")
    named = "pkg:ballerina/acme/greet.formal@1.0.0-rc.1?repository_url=https://registry.test:8443"
    assert purl(coordinate, "https://registry.test:8443") == named
    # An address cannot end the qualifier.
    assert purl(coordinate, "https://registry.test:8443/a&b=c#d") == f"{named}/a%26b%3Dc%23d"


def test_packages_are_compared_without_case_and_versions_are_not() -> None:
    one, other = (Coordinate.parse("Acme", "Greet.io", f"1.0.0-{rc}") for rc in ("rc", "RC"))
    assert (one.key, other.key) == ("acme/greet.io:1.0.0-rc", "acme/greet.io:1.0.0-RC")
    assert (str(one), str(one.package)) == ("Acme/Greet.io:1.0.0-rc", "Acme/Greet.io")
    assert one == one.package.at(one.version) != other
    assert Package.parse("ACME", "GREET.io").key == one.package.key == "acme/greet.io"
