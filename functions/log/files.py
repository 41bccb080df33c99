"""/log/…: the checkpoint, the tiles and the policy of the transparency log, as c2sp.org/tlog-tiles
describes them."""

from functions.http.caching_headers import NO_STORE
from functions.http.calls import Call
from functions.http.plain_text import PlainTextFace
from functions.http.representations import Representation, conditional_answer
from functions.web.site_files import IMMUTABLE
from shared.domain.errors.transparency import NoteUnreadable, log_file_missing, log_not_begun
from shared.domain.transparency.tiles import Tile
from shared.runtime.answers import PLAIN_TEXT, Answer

CHECKPOINT_CACHE = "public, max-age=2"  # A new one is published every few seconds.
POLICY_CACHE = "public, max-age=60"
PARTIAL_CACHE = "public, max-age=60"  # It goes when the full tile is there.
BYTES = "application/octet-stream"

log_files = PlainTextFace()
FACES = (log_files,)


@log_files.read("log/checkpoint", stays_public=True)
async def log_checkpoint(call: Call) -> Answer:
    checkpoint = await call.registry.transparency.reader.file("log/checkpoint")
    if checkpoint is None:
        raise log_not_begun()
    return _file(call, checkpoint, PLAIN_TEXT, CHECKPOINT_CACHE)


@log_files.read("log/policy", stays_public=True)
async def log_policy(call: Call) -> Answer:
    policy = await call.registry.transparency.publication.policy()
    return _file(call, policy.text.encode(), PLAIN_TEXT, POLICY_CACHE)


@log_files.read("log/tile/{*path}")
async def log_tile(call: Call) -> Answer:
    path = f"tile/{call.route_params['path']}"
    try:
        tile = Tile.parse(path)
    except NoteUnreadable:
        raise log_file_missing(path) from None
    content = await call.registry.transparency.reader.file(f"log/{path}")
    if content is None:
        raise log_file_missing(path)
    return _file(call, content, BYTES, IMMUTABLE if tile.is_full else PARTIAL_CACHE)


def _file(call: Call, content: bytes, media_type: str, caching: str) -> Answer:
    answer = conditional_answer(call, Representation(content, media_type, is_public=True))
    if answer.headers["Cache-Control"] != NO_STORE["Cache-Control"]:
        answer.headers["Cache-Control"] = caching
    return answer
