"""/api/v1/log: proofs that the transparency log has a release, and what its commitments commit
to."""

import base64

from pydantic import Field

from functions.api.api_face import ApiCall, ApiFace, ResponseModel
from functions.api.query_parameters import BALLERINA_VERSION
from functions.http.caching_headers import NO_STORE
from functions.http.json_answers import JSON
from shared.domain.errors.transparency import release_being_logged
from shared.runtime.answers import PLAIN_TEXT, Answer


class OpeningView(ResponseModel):
    """The opening of a commitment: its entry of the log has the base64 of the SHA-256 of the bytes
    of the salt and of the leaf."""

    index: int = Field(description="The index of the requested entry; the first entry has 0.")
    salt: str = Field(description="Base64 of 32 bytes.")
    leaf: str = Field(description="The leaf, whose bytes are this text in ASCII.")


class LogProofView(ResponseModel):
    """The entry of a release in the transparency log, and the proof that it is there."""

    org: str
    name: str
    version: str
    digest: str = Field(description="The SHA-256 of the archive.")
    index: int = Field(description="The index of the entry in the log; the first entry has 0.")
    size: int = Field(description="How many entries the log had with which it is proven.")
    entry: str = Field(description="What is logged, which is JSON.")
    proof: str = Field(description="As c2sp.org/tlog-proof; it never changes.")


transparency_log_api = ApiFace()


@transparency_log_api.operation(
    "GET",
    "api/v1/log/openings/{index}",
    "Show what a commitment of the transparency log commits to, to those who may see its event.",
    refusals=(400, 401, 404),
    needs_token=False,
)
async def api_log_opening(call: ApiCall) -> OpeningView:
    opening = await call.registry.transparency.openings.opening(
        call.route_params["index"], by=call.caller
    )
    salt = base64.b64encode(opening.salt).decode()
    return OpeningView(index=opening.index, salt=salt, leaf=opening.leaf.decode())


@transparency_log_api.operation(
    "GET",
    "api/v1/log/proof/{org}/{name}/{version}",
    "Prove that the transparency log has a release: as text (c2sp.org/tlog-proof), or with its "
    "entry as JSON for clients that accept it.",
    refusals=(400, 401, 404),
    needs_token=False,
    parameters=(BALLERINA_VERSION,),
    media_types=(PLAIN_TEXT,),
)
async def api_log_proof(call: ApiCall) -> LogProofView | Answer:
    asked = call.coordinate
    found = await call.package_source.describe(
        asked.package, asked.version, client=call.client, by=call.caller
    )
    release = found.release
    logged = await call.registry.transparency.proofs.find(release)
    if logged is None:
        raise release_being_logged(release.coordinate)
    if JSON not in call.header("accept").lower():
        return Answer(logged.proof.text.encode(), 200, dict(NO_STORE), PLAIN_TEXT)
    return LogProofView(
        org=release.org,
        name=release.name,
        version=release.version,
        digest=release.digest,
        index=logged.proof.index,
        size=logged.size,
        entry=logged.entry.decode(),
        proof=logged.proof.text,
    )
