"""What the pharmacy's screens show, and what other modules ask."""
