"""Where records, archives and keys are stored."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from shared.auth.log_keys import LogKeyRing
from shared.auth.release_keys import ReleaseKeyRing
from shared.auth.signing_keys import KeyRing
from shared.settings.values import (
    AddressWithoutSlash,
    TopicSettings,
    address_without_slash,
    matching,
)


class StoreSettings(TopicSettings):
    """The data folder, and the stores of the cloud instead of it."""

    data: Path = Field(
        default=Path(".ballroom"),
        description="Data folder: the embedded stores, the keys and Settings.toml.",
    )

    @field_validator("data", mode="before")
    @classmethod
    def _check_data(cls, folder: object) -> object:
        if folder == "":
            reason = "it is empty. Give a folder, such as /var/lib/ballroom, or remove the variable"
            raise ValueError(reason)
        return folder

    upgrade_backup: bool = Field(
        default=True,
        description="Whether a start that changes the schema of the data folder backs it up first, "
        "into its folder upgrades; archives are hard links, and only the last such backup is kept.",
    )
    cosmos_endpoint: AddressWithoutSlash = Field(
        default="",
        description="Address of the Cosmos DB account that stores the records, instead of the data "
        "folder; requires BALLROOM_BLOB_ENDPOINT.",
    )
    blob_endpoint: str = Field(
        default="",
        validate_default=True,
        description="Address of the Blob Storage account that stores archives and documents, "
        "instead of the data folder; requires BALLROOM_COSMOS_ENDPOINT.",
    )
    cosmos_key: SecretStr | None = Field(
        default=None,
        validate_default=True,
        description="Key of an emulator of Cosmos DB; without it the app signs in with its managed "
        "identity.",
    )
    blob_connection: SecretStr | None = Field(
        default=None,
        validate_default=True,
        description="Connection string of an emulator of Blob Storage; without it the app signs in "
        "with its managed identity.",
    )

    @property
    def backed_up(self) -> Path:
        """The file that is written when a backup of the data folder is complete."""
        return self.data / "backed-up"

    @field_validator("blob_endpoint")
    @classmethod
    def _check_blob_endpoint(cls, address: str, info: ValidationInfo) -> str:
        if bool(address) != bool(info.data.get("cosmos_endpoint")):
            reason = (
                "it is set, and BALLROOM_COSMOS_ENDPOINT is empty; the cloud takes both"
                if address
                else "it is empty, and BALLROOM_COSMOS_ENDPOINT needs it"
            )
            raise ValueError(reason)
        return address_without_slash(address)

    @field_validator("cosmos_key", "blob_connection")
    @classmethod
    def _check_store_key(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        name = {"cosmos_key": "cosmos_endpoint"}.get(info.field_name or "", "blob_endpoint")
        endpoint = info.data.get(name, "")
        if key is not None and not endpoint:
            reason = f"it is set, and BALLROOM_{name.upper()} is empty"
            raise ValueError(reason)
        if key is None and endpoint.startswith("http:"):
            reason = f"it is empty, and no identity signs in over plain http ({endpoint})"
            raise ValueError(reason)
        return key

    @property
    def is_in_the_cloud(self) -> bool:
        """Whether the stores are those of the cloud."""
        return bool(self.cosmos_endpoint)


class KeySettings(TopicSettings):
    """The keys for signed links and sessions, for releases, for the log and for the witness."""

    key_vault: str = Field(
        default="",
        description="Address of the key vault with the keys of the registry, which the app reads "
        "with its identity every few minutes; for the stores of the cloud.",
    )
    key_secret: Annotated[
        str, matching(r"[0-9A-Za-z-]{1,127}", "the name of a secret, such as link-key")
    ] = Field(
        default="link-key",
        description="Name of the secret in that vault with the key for signed links and sessions.",
    )
    link_key: SecretStr | None = Field(
        default=None,
        validate_default=True,
        description="Key for signed links and sessions, instead of the key files; the stores of "
        "the cloud require this setting or BALLROOM_KEY_VAULT.",
    )

    release_keys: SecretStr | None = Field(
        default=None,
        description="Keys that sign releases, one a line or between commas, instead of the file "
        "or the secret `release-keys`; for the stores of the cloud without a vault.",
    )
    log_keys: SecretStr | None = Field(
        default=None,
        description="Keys of the transparency log, one a line or between commas, instead of the "
        "file or the secret `log-keys`; for the stores of the cloud without a vault.",
    )

    witness_keys: SecretStr | None = Field(
        default=None,
        description="Key of the witness of other logs, instead of the file or the secret "
        "`witness-keys`; for the stores of the cloud without a vault.",
    )

    @field_validator("release_keys")
    @classmethod
    def _check_release_keys(cls, keys: SecretStr | None) -> SecretStr | None:
        if keys is not None:
            ReleaseKeyRing.parse(keys.get_secret_value())
        return keys

    @field_validator("log_keys", "witness_keys")
    @classmethod
    def _check_log_keys(cls, keys: SecretStr | None) -> SecretStr | None:
        if keys is not None:
            LogKeyRing.parse(keys.get_secret_value())
        return keys

    @field_validator("link_key")
    @classmethod
    def _check_link_key(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        vault = info.data.get("key_vault")
        if key is not None:
            KeyRing.of_setting(key.get_secret_value())
            if vault:
                reason = "BALLROOM_KEY_VAULT is set as well, and the key comes from one of them"
                raise ValueError(reason)
        elif info.data.get("cosmos_endpoint") and not vault:
            reason = (
                "it is empty, and in the cloud there are no key files to take its place; set it "
                "or BALLROOM_KEY_VAULT"
            )
            raise ValueError(reason)
        return key

    @field_validator("key_vault")
    @classmethod
    def _check_key_vault(cls, address: str, info: ValidationInfo) -> str:
        if address and not info.data.get("cosmos_endpoint"):
            reason = "it is set, and BALLROOM_COSMOS_ENDPOINT is empty; here the keys are files"
            raise ValueError(reason)
        if address and not address.startswith("https://"):
            reason = "it is not an https address, such as https://example.vault.azure.net"
            raise ValueError(reason)
        return address_without_slash(address)
