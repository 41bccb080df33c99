"""What people do by API, by page and by command: each use case is declared once, by topic."""
