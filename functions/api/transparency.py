"""/api/v1/log: proofs that the transparency log has a release."""

from pydantic import Field

from functions.api.operations import ApiCall, ApiFace, ResponseModel
from functions.http.caching_headers import NO_STORE
from functions.http.json_answers import JSON
from shared.domain.errors.transparency import release_being_logged
from shared.runtime.answers import PLAIN_TEXT, Answer


class LogProofView(ResponseModel):
    """The entry of a release in the transparency log, and the proof that it is there."""

    org: str
    name: str
    version: str
    digest: str = Field(description="The SHA-256 of the archive.")
    index: int = Field(description="Of the entry; the first one has 0.")
    size: int = Field(description="How many entries the log had with which it is proven.")
    entry: str = Field(description="What is logged, which is JSON.")
    proof: str = Field(description="As c2sp.org/tlog-proof; it never changes.")


transparency_api = ApiFace()


@transparency_api.operation(
    "GET",
    "api/v1/log/proof/{org}/{name}/{version}",
    "Prove that the transparency log has a release: as text (c2sp.org/tlog-proof), or with its "
    "entry as JSON for clients that accept it.",
    refusals=(400, 401, 404),
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
