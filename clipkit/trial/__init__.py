"""Subject, ceiling and sampler make a record."""
