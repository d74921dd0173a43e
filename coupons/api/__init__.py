"""HTTP: validate, ask, map, answer. No decision is made here."""
