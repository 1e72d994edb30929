"""What the modules tell each other: flat frozen dataclasses of ids, numbers and times. A leaf."""
