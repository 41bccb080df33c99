"""What all faces share: operations, calls, answers, and identification of callers."""
