"""Parameters of the query as operations declare them: openapi.json describes them, and handlers
read no others."""

from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct

from shared.domain.event_queries import EVENTS_PAGE_SIZE, MAX_EVENTS_PAGE_SIZE

Schema = Mapping[str, object]

_TEXT: Schema = {"type": "string"}
_TIME: Schema = {"type": "string", "format": "date-time"}


class QueryParameter(Struct, frozen=True):
    """A parameter of the query; each can be left out."""

    name: str
    description: str
    schema: Schema

    @classmethod
    def text(cls, name: str, description: str) -> "QueryParameter":
        return cls(name, description, _TEXT)

    @classmethod
    def time(cls, name: str, description: str) -> "QueryParameter":
        return cls(name, description, _TIME)

    @classmethod
    def number(
        cls, name: str, description: str, least: int, most: int, default: int | None = None
    ) -> "QueryParameter":
        bounds = {"type": "integer", "minimum": least, "maximum": most}
        return cls(name, description, bounds if default is None else {**bounds, "default": default})

    @property
    def described(self) -> dict[str, object]:
        """The parameter as openapi.json describes it."""
        return {
            "name": self.name,
            "in": "query",
            "required": False,
            "description": self.description,
            "schema": dict(self.schema),
        }


class DeclaredQuery(Mapping[str, str]):
    """The declared parameters that a client sent; others are absent."""

    def __init__(self, sent: Mapping[str, str], declared: Collection[QueryParameter]) -> None:
        self._sent = sent
        self._names = {each.name: None for each in declared}

    def __getitem__(self, name: str) -> str:
        if name not in self._names:
            raise KeyError(name)
        return self._sent[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._names if name in self._sent)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def are_sent(self, *names: str) -> bool:
        """Check whether the client sent all of these parameters, declared or not."""
        return self._sent.keys() >= {*names}


# --- Parameters of several operations ------------------------------------------------------------

# `Call.client` reads it.
BALLERINA_VERSION = QueryParameter.text(
    "ballerina_version", "The version of Ballerina of the client; by default that of User-Agent."
)
BEFORE_EVENT = QueryParameter(
    "before",
    "Only events before this number: the `next` of an earlier page.",
    {"type": "integer", "format": "int64", "minimum": 1, "maximum": 2**62},
)
EVENT_COUNT = QueryParameter.number(
    "count", "How many events a page has.", 1, MAX_EVENTS_PAGE_SIZE, EVENTS_PAGE_SIZE
)
AFTER_EVENT = QueryParameter.number(
    "after", "Only events after this number, oldest first.", 0, 2**53
)
AFTER_EVENT_INSTEAD = QueryParameter.number(
    "after", "Only events after this number, oldest first; not together with before.", 0, 2**53
)
EVENT_FILTERS = (
    QueryParameter.text("kind", "Only events whose kind begins with this, such as release."),
    QueryParameter.text("actor", "Only events of this actor, by the id of the account."),
    QueryParameter.time("since", "Only events at this time or later."),
    QueryParameter.time("until", "Only events before this time."),
)
EVENT_PAGE = (BEFORE_EVENT, EVENT_COUNT, *EVENT_FILTERS)


def after(
    description: str = "Continue after this: the `next` of a page.",
) -> QueryParameter:
    """Return the cursor of a list."""
    return QueryParameter.text("after", description)
