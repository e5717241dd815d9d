"""How this machine enforces a host: one small module for each mechanism, one protocol, one chooser."""
