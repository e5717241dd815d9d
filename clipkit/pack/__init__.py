"""A campaign on the real host: a file that goes there, and what comes home through a log."""
