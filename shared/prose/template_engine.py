"""The environment of the templates of pages.

Imported behind the start, or with the first page, since Jinja takes long to import.
"""

import os
import sys
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, cast

import jinja2
import markupsafe
from jinja2 import BytecodeCache, Environment, StrictUndefined, Template
from jinja2.bccache import Bucket
from jinja2.loaders import BaseLoader
from jinja2.runtime import Context
from markupsafe import Markup

from shared.runtime.file_replacement import Durability, replacing


def page_environment(loader: BaseLoader, compiled: BytecodeCache | None = None) -> Environment:
    """Return an environment; `compiled` has what templates compile to."""
    return PageEnvironment(
        loader=loader,
        bytecode_cache=compiled,
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


class PageContext(Context):
    """Calls what a template calls as it is: Jinja looks first whether it asks for the context, and
    nothing does that templates call here. What is called may not raise `StopIteration`."""

    def call(
        self,
        function: Callable[..., Any],
        /,
        *values: Any,
        _block_vars: object = None,
        _loop_vars: object = None,
        **named: Any,
    ) -> Any:
        return function(*values, **named)


class PageEnvironment(Environment):
    """Finds a template that was loaded by its name, without a lock: no template changes."""

    context_class = PageContext

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._loaded = dict[str | Template, Template]()

    def get_template(
        self,
        name: str | Template,
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002 - the name in Jinja.
    ) -> Template:
        if globals:
            return super().get_template(name, parent, globals)
        template = self._loaded.get(name)
        if template is None:
            template = self._loaded[name] = super().get_template(name, parent, globals)
            template.root_render_func.__globals__["escape"] = _escaped
        return template

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return the global values of all templates: a `dict`, which contexts copy faster than a
        `ChainMap`."""
        return super().make_globals(d) if d else self.globals


# `markupsafe.escape` wraps what this returns in two more calls: templates put out 200 texts a page.
_escape_text: Callable[[str], str] = getattr(markupsafe, "_escape_inner", markupsafe.escape)


def _escaped(value: object) -> str:
    """Return what a template puts out as HTML."""
    kind = type(value)
    if kind is str:
        return _escape_text(cast("str", value))
    return cast("Markup", value) if kind is Markup else markupsafe.escape(value)


class CompiledTemplates(BytecodeCache):
    """Keeps what templates compile to beside them, where Python keeps its modules: compiling the
    templates of a page takes a quarter of a second, reading what they compile to two milliseconds.

    What a template compiles to depends on its text and on Jinja alone: no filter is called for it,
    which a test checks.
    """

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """Return the file of a template's bytecode, of which each version of Python has its own."""
        return cache_from_source(filename or name)

    def get_source_checksum(self, source: str) -> str:
        """Return the checksum of a template's text; another version of Jinja reads none of this
        one."""
        return super().get_source_checksum(f"{jinja2.__version__} {source}")

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read the bytecode of a template; what cannot be read is compiled again."""
        with suppress(OSError, EOFError, UnpicklingError):
            bucket.bytecode_from_string(Path(bucket.key).read_bytes())

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write the bytecode of a template, unless Python writes none or the folder cannot be
        written: then each process compiles its templates."""
        if sys.dont_write_bytecode:
            return
        file = Path(bucket.key)
        # Processes that start together write the same file, and hold no lock.
        own = file.with_name(f"{file.name}.{os.getpid()}")
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            with replacing(file, Durability.UNSYNCED, partial=own) as partial:
                partial.write_bytes(bucket.bytecode_to_string())
