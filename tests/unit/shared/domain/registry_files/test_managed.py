"""What a registry file owns."""

from shared.domain.registry_files.managed import ManagedByFile


def test_a_key_of_an_earlier_version_is_known_by_its_present_name() -> None:
    managed = ManagedByFile(section="acme", keys=("members.mia", "semver"))
    assert managed.manages("version_rule")
    assert managed.manages("members")
    assert not managed.manages("staged")
