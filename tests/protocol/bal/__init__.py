"""The clients of Ballerina Central, request for request and answer for answer as they are written.

Nothing here knows our code: what a client here cannot do, a real one cannot do either.
"""
