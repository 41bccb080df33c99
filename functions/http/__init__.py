"""What all faces share: operations, calls, answers, identification of callers, and pages."""
