"""How people set the organization up: read from forms, changed, closed, with its history."""
