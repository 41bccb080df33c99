"""/witness/…: cosigns checkpoints of other registries' logs, as c2sp.org/tlog-witness describes
it."""

from http import HTTPStatus

from functions.http.body_parsing import bounded_body
from functions.http.caching_headers import NO_STORE
from functions.http.calls import Call
from functions.http.plain_text import PlainTextFace
from shared.domain.errors.base import Refusal
from shared.domain.errors.witnessing import CheckpointInconsistent, WitnessedSizeDiffers
from shared.domain.rate_limits import RateLimitClass
from shared.domain.transparency.add_checkpoint import MOST_REQUEST_BYTES, SIZE_TYPE, AddCheckpoint
from shared.runtime.answers import PLAIN_TEXT, Answer

WITNESSED_CACHE = {"Cache-Control": "public, max-age=10"}


class WitnessFace(PlainTextFace):
    """Operations for logs and for those who watch them."""

    def refused(self, call: Call, refusal: Refusal) -> Answer:
        answer = super().refused(call, refusal)
        if isinstance(refusal, WitnessedSizeDiffers):
            body = f"{refusal.size}\n".encode()
            headers = NO_STORE | {"Content-Length": str(len(body))}
            return Answer(body, answer.status, headers, SIZE_TYPE)
        if isinstance(refusal, CheckpointInconsistent):
            answer.status = HTTPStatus.UNPROCESSABLE_ENTITY
        return answer


witness = WitnessFace()
FACES = (witness,)


@witness.change("witness/add-checkpoint", serves_anonymous_always=True, limit=RateLimitClass.WRITE)
async def witness_add(call: Call) -> Answer:
    request = AddCheckpoint.parse(bounded_body(call, MOST_REQUEST_BYTES))
    cosignature = await call.registry.transparency.witness.add_checkpoint(request)
    return Answer(cosignature.line.encode(), 200, dict(NO_STORE), PLAIN_TEXT)


@witness.read("witness/{log}/checkpoint", serves_anonymous_always=True)
async def witness_checkpoint(call: Call) -> Answer:
    note = await call.registry.transparency.witness.checkpoint(call.route_params["log"])
    return Answer(note.encode(), 200, dict(WITNESSED_CACHE), PLAIN_TEXT)
