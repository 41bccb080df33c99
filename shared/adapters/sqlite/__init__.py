"""The stores of a registry on one machine: tables of one SQLite database."""
