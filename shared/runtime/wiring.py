"""Creates services from their constructors: arguments are found by type, settings by name."""

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from enum import Enum
from types import NoneType, UnionType
from typing import (
    Protocol,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    runtime_checkable,
)

from msgspec import Struct

T = TypeVar("T")
Key = object  # A type as an annotation spells it, without `None`.


@runtime_checkable
class _Closing(Protocol):
    async def close(self) -> None: ...


class Wiring:
    """The services of one registry, each created once when it is first wanted.

    An argument of a constructor is `arguments[class][name]`, else the instance of its type (created
    unless its default is another one), else the setting with its name, else its default. Whatever
    was created and has a method `close` is closed with `closing`, the last created first.
    """

    def __init__(
        self,
        settings: object,
        instances: Mapping[Key, object],
        providers: Iterable[Callable[..., object]],
        arguments: Mapping[Callable[..., object], Mapping[str, object]],
    ) -> None:
        """Know what exists by its types, and functions that create what their results say."""
        self.closing = AsyncExitStack()
        self._settings = settings
        self._instances = {**instances, Wiring: self, AsyncExitStack: self.closing}
        self._providers = {
            _without_none(get_type_hints(each)["return"]): each for each in providers
        }
        self._arguments = arguments

    def create(self, constructor: Callable[..., T], **chosen: object) -> T:
        """Call a constructor or a function, and do not keep the result.

        Raises `TypeError` for an argument that nothing gives.
        """
        names = sys.modules[constructor.__module__].__dict__
        hints = get_type_hints(_annotated(constructor), names)
        given = {**self._arguments.get(constructor, {}), **chosen}
        arguments = dict[str, object]()
        for name, parameter in inspect.signature(constructor).parameters.items():
            if name in given:
                arguments[name] = given[name]
            elif not name.startswith("_"):  # Such a field is the state of its instance.
                wanted = _without_none(hints[name])
                if self._is_known(wanted) or (
                    _is_service(wanted) and parameter.default in (parameter.empty, None)
                ):
                    arguments[name] = self._get(wanted)
                elif hasattr(self._settings, name):
                    arguments[name] = getattr(self._settings, name)
                elif parameter.default is parameter.empty:
                    raise TypeError(constructor, name)
        return constructor(**arguments)

    def _is_known(self, wanted: Key) -> bool:
        return wanted in self._instances or wanted in self._providers

    def _get(self, wanted: Key) -> object:
        if wanted not in self._instances:
            created = self.create(self._providers.get(wanted, cast("type", wanted)))
            if isinstance(created, _Closing):
                self.closing.push_async_callback(created.close)
            self._instances[wanted] = created
        return self._instances[wanted]


def instances_of(fields: object) -> dict[Key, object]:
    """Return the fields of a struct by their types; a field that is None counts as well."""
    hints = get_type_hints(type(fields))
    return {_without_none(hint): getattr(fields, name) for name, hint in hints.items()}


def _annotated(constructor: object) -> object:
    if isinstance(constructor, type) and not issubclass(constructor, Struct):
        return constructor.__init__
    return constructor


def _is_service(wanted: Key) -> bool:
    """Check whether an argument is an instance of a class of ours, and no choice of a setting."""
    return (
        isinstance(wanted, type)
        and wanted.__module__.startswith("shared.")
        and not issubclass(wanted, Enum)
    )


def _without_none(hint: Key) -> Key:
    """Return the type that an optional argument has; other types as they are."""
    if get_origin(hint) not in {Union, UnionType}:
        return hint
    others = [each for each in get_args(hint) if each is not NoneType]
    return others[0] if len(others) == 1 else hint
