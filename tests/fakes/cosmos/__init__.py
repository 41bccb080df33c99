"""A strict double of Cosmos DB: its REST protocol behind the real, unchanged client library.

Written from the REST documentation, and stricter than the service rather than more lenient: what
costs a fan-out over all partitions is refused, a write needs its partition key, errors are exact.

    protocol.py   a request of the protocol to its answer
    containers.py items, their etags, time to live, batches and partitions
    feeds.py      the change feed
    queries.py    the subset of SQL that one partition can answer
    sessions.py   session tokens: how far the replica came that answered
    charges.py    request units, by the published rules of thumb
    transport.py  the double in the process of the client
    serving.py    the double for other processes, over HTTP
"""
