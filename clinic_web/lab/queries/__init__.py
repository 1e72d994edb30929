"""What the laboratory's screens and the modules above it read, by subject."""
