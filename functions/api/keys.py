"""/api/v1/keys: the keys that sign releases, and all that did."""

from typing import Literal, Self

from pydantic import Field

from functions.api.api_face import ApiCall, ApiFace, ResponseModel, UtcTime, utc_datetime
from shared.auth.release_keys import KEY_TYPE, ReleaseKey


class KeyView(ResponseModel):
    """A key of the registry, in the form that npm has."""

    keyid: str = Field(description="SHA256: and the SHA-256 of the key in unpadded Base64.")
    keytype: Literal["ecdsa-sha2-nistp256"]
    scheme: Literal["ecdsa-sha2-nistp256"]
    key: str = Field(description="SubjectPublicKeyInfo (DER) in Base64.")
    since: UtcTime = Field(description="When the key was made.")
    expires: UtcTime = Field(
        description="A release that was published later has no valid signature of this key; null "
        "for the newest key."
    )

    @classmethod
    def of(cls, key: ReleaseKey) -> Self:
        return cls(
            keyid=key.keyid,
            keytype=KEY_TYPE,
            scheme=KEY_TYPE,
            key=key.public,
            since=utc_datetime(key.since_ms),
            expires=utc_datetime(key.expires_ms),
        )


class KeysView(ResponseModel):
    """The keys that sign releases, newest first. Keys that signed once stay listed."""

    keys: list[KeyView]


keys_api = ApiFace()


@keys_api.operation(
    "GET",
    "api/v1/keys",
    "List the keys that sign releases, and those that did.",
    ignores_credentials=True,
    serves_anonymous_always=True,
)
async def api_keys(call: ApiCall) -> KeysView:
    keys = await call.registry.release_keys()
    return KeysView(keys=[KeyView.of(each) for each in keys])
