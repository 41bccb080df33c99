"""The local Functions host: serves any `FunctionApp` over ASGI by the rules of the real host."""
