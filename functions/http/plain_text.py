"""Operations for programs that send a token as the password of HTTP Basic; refusals are a line of
plain text."""

from functions.http.caching_headers import NO_STORE
from functions.http.calls import Call
from functions.http.json_answers import STATUS_BY_KIND, failure_sentence, retry_headers
from functions.http.operations import Face
from shared.domain.errors.base import Refusal, RefusalKind
from shared.runtime.answers import PLAIN_TEXT, Answer

_CHALLENGE = {"WWW-Authenticate": 'Basic realm="Ballroom"'}


class PlainTextFace(Face[Call]):
    """Operations whose clients send credentials after a Basic challenge."""

    call_type = Call

    def refused(self, call: Call, refusal: Refusal) -> Answer:  # noqa: ARG002 - others read it.
        headers = retry_headers(refusal)
        if refusal.kind is RefusalKind.UNAUTHENTICATED:
            headers |= _CHALLENGE
        return _line(str(refusal), STATUS_BY_KIND[refusal.kind], headers)

    def failed(self, call: Call) -> Answer:
        return _line(failure_sentence(call.exchange.request_id), 500, {})


def _line(message: str, status: int, headers: dict[str, str]) -> Answer:
    body = f"{message}\n".encode()
    headers |= NO_STORE | {"Content-Length": str(len(body))}
    return Answer(body, status, headers, PLAIN_TEXT)
