"""The policy for names that comes with the registry."""

from functools import cache

from functions.html.page_templates import TEMPLATES


@cache
def default_policy() -> str:
    """Return the text that comes with the registry."""
    return (TEMPLATES / "web/policies/names.md").read_text("utf-8")
