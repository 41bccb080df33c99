"""What several suites share: registries, servers, clients, archives and records for tests."""
