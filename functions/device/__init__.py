"""Device login (RFC 8628): the API for machines and the page for people."""
