"""What a record is, and what it means: written here once, read by all that makes or shows records."""
