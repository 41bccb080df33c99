"""The template engine: Jinja with a faster way to put values into pages.

Jinja makes a `Markup` of each value that it escapes, which takes longer than the escaping. What a
template puts out is joined to a text at once, so a text without special characters is put out as it
is.

Imported with the first page, since Jinja takes long to import.
"""

import re
from collections.abc import MutableMapping

from jinja2 import Environment, StrictUndefined
from jinja2.compiler import CodeGenerator, Frame
from jinja2.loaders import BaseLoader
from jinja2.nodes import Expr
from markupsafe import Markup, escape

_has_special_characters = re.compile("[&<>'\"]").search


def as_html(value: object) -> str:
    """Return a value as HTML: escaped, unless it is HTML already."""
    if isinstance(value, Markup) or (type(value) is str and not _has_special_characters(value)):
        return value
    return escape(value)


class _CodeGenerator(CodeGenerator):
    """Makes Python code of templates, which all escape what they put out."""

    # The signature is Jinja's.
    def _output_child_pre(self, node: Expr, frame: Frame, finalize: object) -> None:  # noqa: ARG002
        self.write("environment.as_html(")


class PageEnvironment(Environment):
    """The environment of the templates of pages."""

    code_generator_class = _CodeGenerator
    as_html = staticmethod(as_html)

    def __init__(self, loader: BaseLoader) -> None:
        super().__init__(
            loader=loader,
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )

    def make_globals(self, d: MutableMapping[str, object] | None) -> MutableMapping[str, object]:
        """Return the globals of a template as a plain dictionary, which is faster to copy for each
        page than Jinja's `ChainMap`. Globals that are added later do not reach it."""
        return {**self.globals, **(d or {})}
