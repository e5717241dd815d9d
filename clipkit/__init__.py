"""clipkit: measure and tune video clip generation on small hosts.

Importing this package costs nothing: the engine imports it inside the measured host.
"""

__version__ = "0.1.0"
