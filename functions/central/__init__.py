"""The Central protocol, which `bal` speaks: below /2.0/registry."""
