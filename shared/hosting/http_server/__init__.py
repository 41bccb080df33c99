"""The HTTP server of the local host: uvicorn, with limits for slow and surplus clients.

It extends private parts of uvicorn, which is imported only here: docs/run/self-hosting.md says why.
"""
