"""The API documentation of releases: from their sources to what pages, editors and search show."""
