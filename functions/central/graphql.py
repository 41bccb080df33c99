"""POST /2.0/graphql: queries of the language server, of scripts and of proxies.

Never an error status: the language server takes one for a crash. What is refused is an error of
GraphQL.
"""

import asyncio
from importlib import import_module

from functions.central.central_face import OPEN_HEADERS
from functions.http.body_parsing import json_object
from functions.http.calls import Call
from functions.http.json_answers import failure_sentence, json_answer
from functions.http.operations import Face
from shared.domain.errors.base import Refusal
from shared.runtime.answers import Answer

# Imported after the start, or for the first query: its library takes a tenth of a second.
EXECUTION = "functions.central.graphql_execution"


class GraphqlFace(Face[Call]):
    """Operations of GraphQL, whose refusals are errors of a response with the status 200."""

    call_type = Call

    def refused(self, call: Call, refusal: Refusal) -> Answer:  # noqa: ARG002 - others read it.
        return _error(str(refusal))

    def failed(self, call: Call) -> Answer:
        return _error(failure_sentence(call.exchange.request_id))


def _error(message: str) -> Answer:
    return json_answer({"data": None, "errors": [{"message": message}]}, headers=OPEN_HEADERS)


graphql = GraphqlFace()
FACES = (graphql,)


@graphql.read("2.0/graphql", ["POST"])
async def central_graphql(call: Call) -> Answer:
    body = json_object(call)
    execution = await asyncio.to_thread(import_module, EXECUTION)
    result = await execution.execute_query(call, body)
    return json_answer(result, headers=OPEN_HEADERS)
