"""What travels to the host: of the standard library alone, and of nothing else of clipkit's."""
