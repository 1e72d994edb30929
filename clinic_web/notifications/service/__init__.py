"""The use cases of notifications, by subject: writing messages down, wording them, sending them."""
