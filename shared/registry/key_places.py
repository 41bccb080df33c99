"""Where each key of a registry lies, and how the next one is made."""

from collections.abc import Mapping

from shared.services.administration.key_ages import KeyKind, KeyPlace
from shared.settings import Settings

_KEY_SETTINGS: Mapping[KeyKind, tuple[str, str]] = {  # The field, and the file and the secret.
    KeyKind.LINKS: ("link_key", "*.key"),
    KeyKind.RELEASES: ("release_keys", "release-keys"),
    KeyKind.LOG: ("log_keys", "log-keys"),
    KeyKind.WITNESS: ("witness_keys", "witness-keys"),
}
_KEPT = "It is kept: operators of logs know it."
_ROTATIONS: Mapping[KeyKind, tuple[str, str]] = {  # On one machine, and in a vault.
    KeyKind.LINKS: (
        "Run `ballroom keys rotate`, and restart the registry.",
        "Run `infra/keys.sh VAULT rotate`.",
    ),
    KeyKind.RELEASES: (
        "Run `ballroom keys rotate-release-keys`.",
        "Run `infra/keys.sh VAULT rotate-release-keys`.",
    ),
    KeyKind.LOG: (
        "Run `ballroom log rotate-key --days 90`.",
        "Run `infra/keys.sh VAULT rotate-log-key 90`.",
    ),
    KeyKind.WITNESS: (_KEPT, _KEPT),
}


def key_places(settings: Settings) -> dict[KeyKind, KeyPlace]:
    """Return where each key of a registry lies, and how the next one is made."""
    places = {kind: _key_place(settings, kind) for kind in _KEY_SETTINGS}
    places[KeyKind.WEBHOOKS] = KeyPlace(
        "the records, encrypted with the key of links and sessions",
        "Run `ballroom webhook rotate --all` if a copy of the records and that key leaked.",
    )
    if settings.tls_cert is not None:
        renewal = "Renew the certificate where it was issued, and restart the registry."
        places[KeyKind.CERTIFICATE] = KeyPlace(str(settings.tls_cert), renewal)
    return places


def _key_place(settings: Settings, kind: KeyKind) -> KeyPlace:
    field, name = _KEY_SETTINGS[kind]
    here, in_the_vault = _ROTATIONS[kind]
    if getattr(settings, field):
        variable = f"BALLROOM_{field.upper()}"
        rotation = f"Write a new key before those of {variable}, and restart the registry."
        return KeyPlace(variable, here if kind is KeyKind.WITNESS else rotation)
    if settings.key_vault:
        secret_name = settings.key_secret if kind is KeyKind.LINKS else name
        return KeyPlace(f"the secret {secret_name} of {settings.key_vault}", in_the_vault)
    return KeyPlace(f"keys/{name} in the data folder", here)
