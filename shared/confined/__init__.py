"""The confined process: reads what strangers pushed, under limits, outside of the serving process.

budget.py   the budget of a job, what a part may exceed, and the names of what tasks read and write
process.py  the process as services use it: runs a job, starts and stops the child, and waits for
            the lock that allows one child on a machine
child.py    one child, from its start to its end, and the lines that it sends
tasks.py    the table of tasks, and the job that a task is given (in the child)
worker.py   what the child runs (in the child), and what the system enforces on it: time, memory,
            priority, its end"""
