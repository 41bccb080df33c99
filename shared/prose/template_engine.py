"""The environment of the templates of pages.

Imported with the first page, since Jinja takes long to import.
"""

from jinja2 import Environment, StrictUndefined
from jinja2.loaders import BaseLoader


def page_environment(loader: BaseLoader) -> Environment:
    return Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
