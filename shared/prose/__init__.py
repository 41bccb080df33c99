"""Prose: texts that authors wrote, as HTML that is safe to put into a page."""
