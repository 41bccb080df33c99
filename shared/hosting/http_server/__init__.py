"""The HTTP server of the local host: uvicorn, with limits for slow and surplus clients.

It extends private parts of uvicorn, which is imported only here: docs/run/self-hosting.md says why.

connection.py  one connection: its timeouts and limits, and answers that need no task
heads.py       heads that repeat an earlier one, and heads of answers, sent with the first piece
server.py      one process: socket, certificate, connection limits, garbage collection, shutdown
processes.py   several worker processes behind one socket"""
