"""Making reports: one day, and runs over many days."""
