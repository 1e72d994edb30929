"""What screens and other modules read of orders."""
