"""The local Functions host: serves any `FunctionApp` over ASGI by the rules of the real host.

host.py             the ASGI application: lifespan, dispatch of requests to Functions, deadlines
triggers.py         the Functions of an app with their triggers, read from their decorators
routing.py          which Function answers a path and a method
requests.py         the types of ASGI; heads, paths and the `HttpRequest` of a Function
request_bodies.py   bodies, read whole and within limits of memory and time
responses.py        what a Function returns, as ASGI messages; headers of host.json, CORS
file_responses.py   files, streamed from the disk with validators and ranges; redirects to them
answer_cache.py     answers that are repeated until something is written
timers.py           timers and the endpoint that runs one by hand
http_server/        the HTTP server: uvicorn, with limits"""
