"""The paths of each door; `every`: of all of them. A door imports its own views alone."""
