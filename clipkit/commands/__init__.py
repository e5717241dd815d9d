"""The commands, a module or two for each station: their flags, and what they print. They decide nothing."""
