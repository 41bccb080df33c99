"""Texts of authors (Markdown, source code) as HTML that is safe to put into a page."""
