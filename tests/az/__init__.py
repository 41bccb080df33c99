"""Commands of `az` and `azd` that we write, judged by their own command lines: `make check-az`."""
