"""Services are created once, from what their constructors take, and closed in the reverse order."""

from dataclasses import dataclass, field
from functools import cached_property

import pytest

from shared.dependency_injection import Container, DependencyMissing, Service


class Store:
    """A port."""


class Cdn:
    """A port that some containers have no adapter for."""


@dataclass
class Limits:
    """What more than one service may ask for."""

    most: int


@dataclass
class Adapters:
    store: Store
    closed: list[str]
    other: Store | None = None
    cdn: Cdn | None = None

    async def close(self) -> None:
        self.closed.append("adapters")


@dataclass
class Settings:
    url: str = "https://registry.test"
    patterns: tuple[str, ...] = ("a*",)


@dataclass
class Reader:
    store: Store
    closed: list[str]
    url: str
    patterns: tuple[str, ...]
    retries: int = 3
    seen: list[int] = field(default_factory=list[int])

    async def close(self) -> None:
        self.closed.append("reader")


@dataclass
class Writer:
    reader: Reader
    limits: Limits
    prefix: str
    other: Store | None

    async def close(self) -> None:
        self.reader.closed.append("writer")


class Services(Container[Settings, Adapters]):
    writer = Service(Writer, prefix="new")
    reader = Service(Reader)

    @cached_property
    def limits(self) -> Limits:
        return Limits(len(self.settings.patterns))


def adapters() -> Adapters:
    return Adapters(Store(), [])


def test_a_service_gets_adapters_services_settings_and_constants() -> None:
    given = adapters()
    services = Services(Settings(), given)
    assert services.reader == Reader(given.store, [], "https://registry.test", ("a*",))
    assert services.reader.store is given.store
    assert services.writer == Writer(services.reader, Limits(1), "new", None)
    assert services.writer.limits is services.limits


def test_every_service_is_created_once_and_at_once() -> None:
    services = Services(Settings(), adapters())
    assert vars(services).keys() >= {"reader", "writer", "limits"}
    assert services.writer.reader is services.reader is services.reader


async def test_services_are_closed_before_what_they_were_created_with() -> None:
    services = Services(Settings(), adapters())
    await services.close()
    assert services.adapters.closed == ["writer", "reader", "adapters"]


async def test_a_service_that_fails_to_close_leaves_no_other_open() -> None:
    @dataclass
    class Broken:
        reader: Reader

        async def close(self) -> None:
            raise OSError

    class WithBroken(Container[Settings, Adapters]):
        broken = Service(Broken)
        reader = Service(Reader)

    services = WithBroken(Settings(), adapters())
    with pytest.raises(OSError):  # noqa: PT011 - any.
        await services.close()
    assert services.adapters.closed == ["reader", "adapters"]


def test_a_service_with_a_parameter_that_nothing_provides_is_refused() -> None:
    class WithoutReader(Container[Settings, Adapters]):
        writer = Service(Writer, prefix="new")

    with pytest.raises(DependencyMissing) as refused:
        WithoutReader(Settings(), adapters())
    sentence = "Writer needs reader: test_dependency_injection.Reader, which no setting, adapter or"
    assert str(refused.value).replace("tests.unit.shared.", "") == f"{sentence} service is."


def test_a_plain_parameter_without_a_setting_of_its_name_is_refused() -> None:
    class WithoutPrefix(Services):
        writer = Service(Writer)
        reader = Service(Reader)

        @cached_property
        def limits(self) -> Limits:
            return Limits(1)

    with pytest.raises(DependencyMissing, match="Writer needs prefix: str, which no setting"):
        WithoutPrefix(Settings(), adapters())


def test_a_parameter_that_two_services_fit_is_refused() -> None:
    class WithTwo(Container[Settings, Adapters]):
        writer = Service(Writer, prefix="new", limits=Limits(1))
        first = Service(Reader)
        second = Service(Reader)

    with pytest.raises(DependencyMissing, match="which first and second are"):
        WithTwo(Settings(), adapters())


@dataclass
class Copier:
    cdn: Cdn


class WithCopier(Container[Settings, Adapters]):
    copier = Service(Copier)


def test_what_may_be_missing_is_used_where_it_is_there() -> None:
    cdn = Cdn()
    assert WithCopier(Settings(), Adapters(Store(), [], cdn=cdn)).copier.cdn is cdn
    with pytest.raises(DependencyMissing, match=r"Copier needs cdn: .*Cdn, which no setting"):
        WithCopier(Settings(), adapters())


def test_a_service_may_be_left_out_where_what_it_needs_is_missing() -> None:
    copier, cdn = Service(Copier), Cdn()
    assert copier.create_if_possible(Services(Settings(), adapters())) is None
    there = Services(Settings(), Adapters(Store(), [], cdn=cdn))
    assert copier.create_if_possible(there) == Copier(cdn)


def test_the_class_lists_its_services() -> None:
    assert Services.reader.class_ is Reader
