"""Events of packages become changes for mirrors; all others concern nobody."""

import pytest

from shared.domain.change import Change, PackageChange, package_change
from shared.domain.names import Package
from shared.domain.package import Event


def event(kind: str, subject: str) -> Event:
    """Build an event."""
    return Event(id="1", kind=kind, at_ms=5, actor="ann", subject=subject)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("release.published", Change.PUBLISHED),
        ("release.deprecated", Change.DEPRECATED),
        ("release.undeprecated", Change.UNDEPRECATED),
        ("release.held", Change.WITHDRAWN),
        ("release.quarantined", Change.WITHDRAWN),
        ("release.removed", Change.WITHDRAWN),
        ("release.live", Change.RESTORED),
    ],
)
def test_an_event_of_a_release_is_a_change_of_that_version(kind: str, change: Change) -> None:
    assert package_change(3, event(kind, "acme/greet.io:1.0.0-rc.1")) == PackageChange(
        3, 5, change, Package.parse("acme", "greet.io"), "1.0.0-rc.1"
    )


@pytest.mark.parametrize(
    ("kind", "change"),
    [("package.deprecated", Change.DEPRECATED), ("package.undeprecated", Change.UNDEPRECATED)],
)
def test_an_event_of_a_package_is_a_change_of_every_version(kind: str, change: Change) -> None:
    assert package_change(3, event(kind, "acme/greet")) == PackageChange(
        3, 5, change, Package.parse("acme", "greet"), "*"
    )


@pytest.mark.parametrize("kind", ["token.issued", "account.created", "member.set", "later.kind"])
def test_other_events_are_no_change_of_a_package(kind: str) -> None:
    assert package_change(3, event(kind, "somebody")) is None
