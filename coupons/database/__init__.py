"""Access to the SQL database: availability, error codes, its clock, metrics of statements."""
