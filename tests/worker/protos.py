"""Stand-ins for the messages between the Functions host and its worker.

Production has generated protobuf classes here. The worker only makes them, reads their fields and
asks which of several is set, so records that keep what they are given do as well.
"""

from typing import Any


class Record:
    """A message with the fields it was made with; every other field is None."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> Any:
        # Fields are written small; the worker tries names of classes to tell two messages apart.
        if name[0].isupper():
            raise AttributeError(name)
        return None

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - protobuf calls it so.
        """Return the name of the field that is set."""
        return next((name for name, value in vars(self).items() if value is not None), None)


class TypedData(Record):
    """One value of several types."""


class ParameterBinding(Record):
    """The value of one parameter."""

    def WhichOneof(self, _group: str) -> str:  # noqa: N802 - as above.
        """Return the name of the field that holds the value."""
        return "data"


class BindingInfo(Record):
    """What is bound to a parameter, in which direction."""

    in_, out, inout = range(3)  # codespell:ignore inout
    undefined = 0


class StatusResult(Record):
    """How a request to the worker went."""

    Failure, Success = range(2)


class RpcHttpCookie(Record):
    """A cookie, taken apart."""

    class SameSite:
        """Its values, by the names of the protocol."""

        Lax = "lax"
        Strict = "strict"
        ExplicitNone = "none"


setattr(RpcHttpCookie.SameSite, "None", "")

RpcHttp = RpcException = RpcRetryOptions = RpcFunctionMetadata = InvocationResponse = Record
WorkerInitResponse = WorkerMetadata = FunctionMetadataResponse = Record
NullableString = NullableBool = NullableDouble = NullableTimestamp = Timestamp = Record
