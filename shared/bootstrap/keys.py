"""Where the keys of a registry are read: in settings, a key vault or the data folder."""

from pathlib import Path

from pydantic import SecretStr

from shared.adapters.azure_services import KeyVault, log_key_problem, recording_age
from shared.adapters.data_folder import DataFolder
from shared.adapters.system import SystemClock, SystemRandomness
from shared.auth.key_texts import KeyFile, newest_made_ms, text_of_setting
from shared.auth.log_keys import OTHER_LOGS, LogKeys, log_key_file, witness_key_file
from shared.auth.release_keys import ReleaseSigner, release_key_file
from shared.auth.reread_secrets import ReadKeys
from shared.auth.secrets import Secret
from shared.auth.signing_keys import KeyRing, SigningKeyFolder, SigningKeys, VaultKeys
from shared.bootstrap.network import fetcher_of, identity_of_app, network_of
from shared.ports.system import Clock, Randomness
from shared.services.administration.key_ages import KeyKind
from shared.settings import Settings
from shared.settings.values import secret_of


def signing_keys(
    settings: Settings, folder: DataFolder, clock: Clock, randomness: Randomness
) -> SigningKeys:
    if settings.link_key:
        return KeyRing.of_setting(settings.link_key.get_secret_value())
    if settings.key_vault:
        read = _vault_secret(settings, settings.key_secret)
        recorded = recording_age(read, clock, KeyKind.LINKS.value, lambda stored: stored.stored_ms)
        return VaultKeys(recorded, clock, log_key_problem)
    return SigningKeyFolder(folder.keys, clock, randomness).load()


def release_signer(settings: Settings, folder: DataFolder, clock: Clock) -> ReleaseSigner:
    file = release_key_file(folder.keys, clock)
    read = _key_text(settings, settings.release_keys, file, KeyKind.RELEASES)
    return ReleaseSigner(read, clock, log_key_problem)


def log_keys(settings: Settings, folder: DataFolder, clock: Clock) -> LogKeys:
    file = log_key_file(folder.keys, clock, SystemRandomness())
    read = _key_text(settings, settings.log_keys, file, KeyKind.LOG)
    return LogKeys(read, clock, log_key_problem)


def witness_keys(settings: Settings, folder: DataFolder, clock: Clock) -> LogKeys:
    file = witness_key_file(folder.keys, clock, SystemRandomness())
    read = _key_text(settings, settings.witness_keys, file, KeyKind.WITNESS)
    return LogKeys(read, clock, log_key_problem, signed=OTHER_LOGS)


def _key_text(
    settings: Settings, setting: SecretStr | None, file: KeyFile, kind: KeyKind
) -> ReadKeys:
    """Return the reader of a text of keys: of the setting, the vault, or the file."""
    if setting:
        return text_of_setting(secret_of(setting) or Secret(""))
    if settings.key_vault:
        read = _vault_secret(settings, file.path.name)
        # The key of the witness is not rotated, and the alert is about keys that are.
        if kind is KeyKind.WITNESS:
            return read
        return recording_age(read, file.clock, kind.value, newest_made_ms)
    return file.read


def _vault_secret(settings: Settings, name: str) -> ReadKeys:
    network = network_of(settings)
    fetcher = fetcher_of(settings.key_vault, network)
    return KeyVault(settings.key_vault, name, fetcher, identity_of_app(network)).read


def key_files(folder: Path) -> tuple[KeyFile, ...]:
    """Return the files of the keys that others verify with."""
    clock = SystemClock()
    randomness = SystemRandomness()
    return (
        release_key_file(folder, clock),
        log_key_file(folder, clock, randomness),
        witness_key_file(folder, clock, randomness),
    )
