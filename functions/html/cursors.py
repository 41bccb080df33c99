"""Pages of lists that continue at a cursor in the address, such as `?before=120`."""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from msgspec import Struct

from functions.html.pages import PageCall
from functions.html.query_parameters import text_param
from functions.html.signed_in_pages import FormProblem
from shared.domain.errors.base import Invalid

FoundT = TypeVar("FoundT")


class PageAtCursor(Struct, Generic[FoundT], frozen=True):
    """What is on the page, and why it is the first one although another was asked for."""

    found: FoundT
    is_first: bool
    problem: FormProblem | None = None


async def page_at_cursor(
    call: PageCall, name: str, read: Callable[[str], Awaitable[FoundT]]
) -> PageAtCursor[FoundT]:
    """Return what `read` returns for the cursor that the query has as `name`, which is empty for
    the first page.

    No list continues at an invalid cursor, such as that of a link that was cut. Then the first page
    is returned, with the problem that the page shows.
    """
    cursor = text_param(call, name)
    try:
        return PageAtCursor(await read(cursor), not cursor)
    except Invalid as refusal:
        if not cursor:
            raise
        return PageAtCursor(await read(""), is_first=True, problem=FormProblem.of(refusal))
