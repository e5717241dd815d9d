"""The clip backend in Python: an upload comes in, ffmpeg cuts clips out of it, the clips go out."""

__version__ = "1.0.0"
