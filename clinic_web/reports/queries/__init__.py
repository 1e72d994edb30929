"""What a day was like, from the views of other modules; and the reports that are kept of it."""
