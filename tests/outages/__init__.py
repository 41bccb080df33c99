"""The stores of the cloud fail, one call at a time, and a process dies at each of them."""
