"""Notebooks: which campaign they mean, their parameters, how they are executed, opened and watched."""
