"""What operators see of a running registry: the log, metrics and traces; `log.py` records them."""
