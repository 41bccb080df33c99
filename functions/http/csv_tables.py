"""Tables as CSV, whose cells no spreadsheet runs."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

CSV = "text/csv"

# Spreadsheets read a cell that begins so as a formula, which may run a program or send the sheet
# away: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, header: bool = True) -> str:
    """Return rows as RFC 4180 has them, with a header unless they continue others."""
    text = StringIO()
    writer = csv.writer(text)
    if header:
        writer.writerow(columns)
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def safe_cell(text: str) -> str:
    """Return the text of a cell, which a spreadsheet shows and never runs."""
    return f"'{text}" if text.startswith(_FORMULAS) else text
