"""The confined process: reads what strangers pushed, under limits, outside the serving process."""
