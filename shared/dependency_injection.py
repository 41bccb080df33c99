"""Dependency injection: a class declares services, and each is created from what its constructor
takes, found by type.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from functools import cache, cached_property
from operator import attrgetter
from typing import Any, Generic, Self, TypeVar, cast, get_args, overload

T = TypeVar("T")
SettingsT = TypeVar("SettingsT")
AdaptersT = TypeVar("AdaptersT")

Find = Callable[[object], object]  # Of an argument, in a container.

_PLAIN_TYPES = (str, int, bool, tuple[str, ...])  # Too common to say what is meant: the name does.


class DependencyMissing(Exception):
    """A service that cannot be created, because nothing or too much fits one of its parameters."""

    def __init__(self, service: type, parameter: str, wanted: object, found: list[str]) -> None:
        """Name the service, the parameter, and what would fit."""
        needs = f"{service.__name__} needs {parameter}: {inspect.formatannotation(wanted)}"
        provided = f"{' and '.join(found)} are" if found else "no setting, adapter or service is"
        super().__init__(f"{needs}, which {provided}.")


class Container(Generic[SettingsT, AdaptersT]):
    """Creates the services that a subclass declares, all of them at once.

    A parameter of a constructor gets the adapter (a field of the class of `adapters`) or the
    service of exactly its type, or the result of a `cached_property` that is annotated with this
    type. What may be None is given to a parameter that may not, unless it is None. A parameter of a
    plain type gets the setting of its name. A parameter for which there is nothing keeps its
    default.
    """

    def __init__(self, settings: SettingsT, adapters: AdaptersT) -> None:
        """Create every service; raise `DependencyMissing`."""
        self.settings = settings
        self.adapters = adapters
        self._providers = _providers(type(self), type(adapters))
        for name in _declared(type(self)):
            getattr(self, name)

    def providers(self, parameter: str, wanted: object) -> list[str]:
        """Return the names of what fits a parameter, such as `adapters.clock`."""
        if any(wanted == each for each in _PLAIN_TYPES):
            return [f"settings.{parameter}"] if hasattr(self.settings, parameter) else []
        return self._providers.get(wanted, [])

    async def close(self) -> None:
        """Close the services, the last created first, and then the adapters."""
        declared = _declared(type(self))
        async with AsyncExitStack() as closing:
            closing.push_async_callback(attrgetter("close")(self.adapters))
            for name, service in vars(self).items():  # In the order in which they were created.
                if name in declared and hasattr(service, "close"):
                    closing.push_async_callback(service.close)


class Service(Generic[T]):
    """Declares a service of a container; `constants` are parameters that the container cannot
    find, such as functions."""

    def __init__(self, class_: type[T], **constants: object) -> None:
        """Create `class_` when it is first asked for."""
        self.class_ = class_
        self._constants = constants
        self._name = ""
        self._sources: dict[tuple[type, ...], Mapping[str, Find]] = {}

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, container: None, owner: type) -> Self: ...

    @overload
    def __get__(self, container: Container[Any, Any], owner: type) -> T: ...

    def __get__(self, container: Container[Any, Any] | None, owner: type) -> Self | T:
        if container is None:
            return self
        found = self._arguments(container)
        for name in self._none_of(found):
            raise DependencyMissing(self.class_, name, self._parameters[name], [])
        service = self.class_(**self._constants, **found)
        vars(container)[self._name] = service  # Found there from now on, before this method.
        return service

    def create_if_possible(self, container: Container[Any, Any]) -> T | None:
        """Create the service; return None if it requires what may be None, and is None here."""
        found = self._arguments(container)
        return None if self._none_of(found) else self.class_(**self._constants, **found)

    @property
    def _parameters(self) -> Mapping[str, Any]:
        return inspect.get_annotations(self.class_.__init__)

    def _arguments(self, container: Container[Any, Any]) -> dict[str, object]:
        return {name: of(container) for name, of in self._sources_in(container).items()}

    def _none_of(self, found: Mapping[str, object]) -> list[str]:
        """Return the parameters that are None, and may not be."""
        empty = [name for name, value in found.items() if value is None]
        return [name for name in empty if type(None) not in get_args(self._parameters[name])]

    def _sources_in(self, container: Container[Any, Any]) -> Mapping[str, Find]:
        """Return where each parameter is found, the same in all containers of these classes."""
        parts: tuple[object, ...] = (container, container.adapters, container.settings)
        classes = tuple(map(type, parts))
        if classes not in self._sources:
            self._sources[classes] = dict(self._find_sources(container))
        return self._sources[classes]

    def _find_sources(self, container: Container[Any, Any]) -> Iterator[tuple[str, Find]]:
        for name, wanted in self._parameters.items():
            if name == "return" or name in self._constants:
                continue
            is_required = _is_required(self.class_, name)
            found = container.providers(name, wanted)
            if is_required and not found:
                found = container.providers(name, wanted | None)
            if len(found) == 1:
                yield name, attrgetter(found[0])
            elif found or is_required:
                raise DependencyMissing(self.class_, name, wanted, found)


# What is read from classes is the same for each container of a class, of which tests create many.


@cache
def _providers(container: type, adapters: type) -> Mapping[object, list[str]]:
    """Return the names of adapters and services of each type."""
    providers = dict[object, list[str]]()
    for name, type_ in inspect.get_annotations(adapters).items():
        if name != "close":  # What ends the adapters is of use for nothing else.
            providers.setdefault(type_, []).append(f"adapters.{name}")
    for name, type_ in _declared(container).items():
        providers.setdefault(type_, []).append(name)
    return providers


@cache
def _declared(container: type) -> Mapping[str, object]:
    """Return the names of what a container creates, and the type of each."""
    declared = dict[str, object]()
    for name, member in vars(container).items():
        if isinstance(member, Service):
            declared[name] = cast("Service[object]", member).class_
        elif isinstance(member, cached_property):
            declared[name] = inspect.get_annotations(member.func)["return"]
    return declared


def _is_required(class_: type, parameter: str) -> bool:
    default = inspect.signature(class_).parameters[parameter].default
    return default is inspect.Parameter.empty
