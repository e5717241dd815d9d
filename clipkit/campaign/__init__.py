"""Many trials: their design, store and environment."""
