"""Events of packages become changes for mirrors; all others concern nobody."""

import pytest

from shared.domain.events import ChangeKind, PackageChange, package_change
from shared.domain.names import Package
from shared.domain.records import Event


def event(kind: str, subject: str) -> Event:
    """Build an event."""
    return Event(id="1", kind=kind, at_ms=5, actor="ann", subject=subject)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("release.published", ChangeKind.PUBLISHED),
        ("release.deprecated", ChangeKind.DEPRECATED),
        ("release.undeprecated", ChangeKind.UNDEPRECATED),
        ("release.held", ChangeKind.WITHDRAWN),
        ("release.quarantined", ChangeKind.WITHDRAWN),
        ("release.removed", ChangeKind.WITHDRAWN),
        ("release.live", ChangeKind.RESTORED),
    ],
)
def test_an_event_of_a_release_is_a_change_of_that_version(kind: str, change: ChangeKind) -> None:
    assert package_change(3, event(kind, "acme/greet.io:1.0.0-rc.1")) == PackageChange(
        3, 5, change, Package.parse("acme", "greet.io"), "1.0.0-rc.1"
    )


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("package.deprecated", ChangeKind.DEPRECATED),
        ("package.undeprecated", ChangeKind.UNDEPRECATED),
    ],
)
def test_an_event_of_a_package_is_a_change_of_every_version(kind: str, change: ChangeKind) -> None:
    assert package_change(3, event(kind, "acme/greet")) == PackageChange(
        3, 5, change, Package.parse("acme", "greet"), "*"
    )


@pytest.mark.parametrize("kind", ["token.issued", "account.created", "member.set", "later.kind"])
def test_other_events_are_no_change_of_a_package(kind: str) -> None:
    assert package_change(3, event(kind, "somebody")) is None
