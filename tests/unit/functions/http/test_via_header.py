"""A registry recognizes itself in `Via` by every name that its address may give it."""

import pytest

from functions.http.via_header import passed_registries
from shared.services.mirroring.ours_or_upstream import pseudonym_of
from shared.settings.values import check_own_address


@pytest.mark.parametrize(
    "address",
    [
        "https://ballroom.example.org",
        "https://ballroom_mirror:9090",
        "http://127.0.0.1:9090",
        "http://[::1]:9090",
    ],
)
def test_the_name_of_a_registry_is_passed_on(address: str) -> None:
    name = pseudonym_of(check_own_address(address))
    assert passed_registries(f"1.1 elsewhere, 1.1 {name}") == f"1.1 elsewhere, 1.1 {name}"
