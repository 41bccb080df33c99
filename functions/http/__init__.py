"""What all faces share: operations, calls, answers, callers, pages."""
