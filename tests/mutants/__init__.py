"""Mutation tests: how many small faults in the rules of the registry some test notices."""
