"""The commands of an operator, one module a noun; `shared.cli` puts them together."""
