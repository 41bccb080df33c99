"""/2.0/docs: the API documentation of a module, as `bal discover` and tools for AI read it."""

from functions.central.answers import CORS_HEADERS, CentralFace
from functions.http.answers import CACHE_PRIVATE, JSON, REVALIDATE
from functions.http.calls import Call
from functions.http.compression import accepts_gzip
from shared.domain.documents import etag_of
from shared.domain.errors.packages import ApiDocsNotFound
from shared.runtime.answers import Answer
from shared.runtime.conditional_requests import is_known
from shared.services.api_docs.api_docs import ModuleName
from shared.services.api_docs.pieces import StoredPiece

# A version never changes. A newer generator may document it better, which caches learn in a year.
CACHE_IMMUTABLE = "public, max-age=31536000, immutable"

WHOLE_BYTES = 1024 * 1024  # Unpacked in two milliseconds; a document has up to 64 MiB.

central = CentralFace()
FACES = (central,)

_DOC_UI = "The page bundle of bal doc"


@central.read("2.0/docs/{org}/{module}/{version}", is_repeated=True)
async def central_docs(call: Call) -> Answer:
    params = call.route_params
    name = ModuleName(params["org"], params["module"], params["version"])
    found, document = await call.registry.api_docs.documentation.document(name, by=call.caller)
    answer = await document_answer(call, document, is_public=found.is_public)
    if found.is_public and not await call.registry.api_docs.documentation.is_settled(found):
        answer.headers["Cache-Control"] = REVALIDATE
    return answer


@central.read("2.0/docs/doc-ui", is_open=True)
async def central_doc_ui(call: Call) -> Answer:
    # `bal doc` then uses the pages that it brings.
    raise ApiDocsNotFound(_DOC_UI)


async def document_answer(call: Call, document: StoredPiece, *, is_public: bool) -> Answer:
    """Return the document, compressed as it is stored if the client accepts it, or a 304.

    A private one is sent uncompressed, as everything that is not for everybody.
    """
    etag = etag_of(document.content)
    headers = {**CORS_HEADERS, "ETag": etag, "Vary": "Accept-Encoding"}
    headers["Cache-Control"] = CACHE_IMMUTABLE if is_public else CACHE_PRIVATE
    is_packed = is_public and document.is_packed and accepts_gzip(call.headers)
    if is_packed:
        headers["ETag"] = f"W/{etag}"
    if is_known(call.headers, etag=etag):
        return Answer(status=304, headers=headers)
    if is_packed:
        headers["Content-Encoding"] = "gzip"
    place = document.place
    headers["Content-Length"] = str(place.length if is_packed else place.unpacked_length)
    answer = Answer(headers=headers, media_type=JSON)
    if not call.is_head:
        if not is_packed and place.unpacked_length > WHOLE_BYTES:
            answer.packed = document.content
        else:
            answer.body = document.content if is_packed else document.unpack()
    return answer
