"""Answers under way: those who ask the same meanwhile get the same answer.

Else everybody who looks just when a page has to be made anew would have it made.
"""

from collections.abc import Callable, Coroutine

import azure.functions as func

from functions._http import headers_of
from shared.single_flight import SingleFlight

Question = tuple[str, ...]
Making = Callable[[], Coroutine[object, object, func.HttpResponse]]


class Flights:
    """The answers of one Function that are under way."""

    def __init__(self) -> None:
        """Begin with none."""
        self._answers = SingleFlight[func.HttpResponse]()

    async def answer(self, question: Question, make: Making) -> func.HttpResponse:
        """Return what `make` returns, or what a call under way for the same question returns."""
        answer = await self._answers.answer(question, make)
        # Each gets one of their own: the edge writes the id of the request on it.
        return func.HttpResponse(
            answer.get_body(),
            status_code=answer.status_code,
            headers=dict(answer.headers),
            mimetype=answer.mimetype,
        )


def question_of(req: func.HttpRequest) -> Question:
    """Return all of a request that the answer to a stranger is made of."""
    headers = headers_of(req)
    return req.method, req.url, headers.get("accept", ""), headers.get("if-none-match", "")
