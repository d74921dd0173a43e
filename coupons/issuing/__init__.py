"""From the queue to a row: the drain, the writer, dead letters, and the status of claims."""
