"""What all faces share: requests, responses, the handler decorator, callers, pages."""
