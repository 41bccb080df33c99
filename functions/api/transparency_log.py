"""/api/v1/log/openings/{index}: what a commitment of the transparency log commits to."""

import base64

from pydantic import Field

from functions.api.operations import ApiCall, ApiFace, ResponseModel


class OpeningView(ResponseModel):
    """The opening of a commitment: its entry of the log has the base64 of the SHA-256 of the bytes
    of the salt and of the leaf."""

    index: int
    salt: str = Field(description="Base64 of 32 bytes.")
    leaf: str = Field(description="The leaf, whose bytes are this text in ASCII.")


transparency_log_api = ApiFace()


@transparency_log_api.operation(
    "GET",
    "api/v1/log/openings/{index}",
    "Show what a commitment of the transparency log commits to, to those who may see its event.",
    refusals=(400, 401, 404),
)
async def api_log_opening(call: ApiCall) -> OpeningView:
    opening = await call.registry.packages.openings.opening(
        call.route_params["index"], by=call.caller
    )
    salt = base64.b64encode(opening.salt).decode()
    return OpeningView(index=opening.index, salt=salt, leaf=opening.leaf.decode())
