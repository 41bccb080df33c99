"""Public pages and files of the site."""
