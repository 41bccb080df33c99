"""Interfaces of stores and other systems that services use, a module for each, and what every
adapter promises.

The suite of each port in `tests/contract` tests these promises, and every adapter runs it. All
ports promise:

- A method makes one round trip to its store; reads of one method may run in parallel.
- Writes are durable when the method returns. A failed call may be repeated: it never stores
  anything twice or in part.
- Adapters raise `Busy` when a store is overloaded or unreachable and `StorageFull` when it is full
  (`shared.domain.errors.requests`), and no exception of their libraries.
- Packages and organizations are compared without case, and versions with it.
"""
