"""From the queue to a row: the drain, the writer, dead letters, and where a claim stands."""
