"""From the queue to a row: the drain, the writer, parked claims, and the status of claims."""
