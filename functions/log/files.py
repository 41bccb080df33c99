"""/log/… and /logs/…: the checkpoint, the tiles and the policy of the transparency log and of those
that follow it, as c2sp.org/tlog-tiles describes them."""

from functions.http.caching_headers import IMMUTABLE
from functions.http.calls import Call
from functions.http.plain_text import PlainTextFace
from functions.http.representations import Representation, conditional_answer
from shared.domain.errors.transparency import (
    NoteUnreadable,
    log_file_missing,
    log_not_begun,
    log_not_there,
)
from shared.domain.transparency.log_policies import LogPolicy
from shared.domain.transparency.log_states import CHECKPOINT_FILE, FIRST_FOLDER
from shared.domain.transparency.tiles import Tile
from shared.runtime.answers import PLAIN_TEXT, Answer

CHECKPOINT_CACHE = "public, max-age=2"  # A new one is published every few seconds.
POLICY_CACHE = "public, max-age=60"
PARTIAL_CACHE = "public, max-age=60"  # A partial file is deleted once the full tile exists.
BYTES = "application/octet-stream"

log_files = PlainTextFace()
FACES = (log_files,)


# Caches keep tiles for good, so each log has an address of its own. That of the first one does not
# change; `/log/policy` says which log is written now.
@log_files.read("log/checkpoint", serves_anonymous_always=True)
async def log_checkpoint(call: Call) -> Answer:
    return await _checkpoint(call, FIRST_FOLDER)


@log_files.read("log/policy", serves_anonymous_always=True)
async def log_policy(call: Call) -> Answer:
    return _policy(call, await call.registry.transparency.publication.policy())


@log_files.read("log/tile/{*path}")
async def log_tile(call: Call) -> Answer:
    return await _tile(call, FIRST_FOLDER)


@log_files.read("logs/{folder}/checkpoint", serves_anonymous_always=True)
async def log_following_checkpoint(call: Call) -> Answer:
    return await _checkpoint(call, _following(call))


@log_files.read("logs/{folder}/policy", serves_anonymous_always=True)
async def log_following_policy(call: Call) -> Answer:
    folder = _following(call)
    policy = await call.registry.transparency.publication.policy_at(folder)
    if policy is None:
        raise log_not_there(folder)
    return _policy(call, policy)


@log_files.read("logs/{folder}/tile/{*path}")
async def log_following_tile(call: Call) -> Answer:
    return await _tile(call, _following(call))


def _following(call: Call) -> str:
    """Return the folder of a log that follows another one: the first one has only one address."""
    folder = call.route_params["folder"]
    if folder == FIRST_FOLDER:
        raise log_not_there(folder)
    return folder


async def _checkpoint(call: Call, folder: str) -> Answer:
    checkpoint = await call.registry.transparency.reader.file(f"{folder}/{CHECKPOINT_FILE}")
    if checkpoint is None:
        raise log_not_begun() if folder == FIRST_FOLDER else log_not_there(folder)
    return _file(call, checkpoint, PLAIN_TEXT, CHECKPOINT_CACHE)


def _policy(call: Call, policy: LogPolicy) -> Answer:
    return _file(call, policy.text.encode(), PLAIN_TEXT, POLICY_CACHE)


async def _tile(call: Call, folder: str) -> Answer:
    path = f"tile/{call.route_params['path']}"
    try:
        tile = Tile.parse(path)
    except NoteUnreadable:
        raise log_file_missing(path) from None
    content = await call.registry.transparency.reader.file(f"{folder}/{path}")
    if content is None:
        raise log_file_missing(path)
    return _file(call, content, BYTES, IMMUTABLE if tile.is_full else PARTIAL_CACHE)


def _file(call: Call, content: bytes, media_type: str, caching: str) -> Answer:
    document = Representation(content, media_type, is_public=True, caching=caching)
    return conditional_answer(call, document)
