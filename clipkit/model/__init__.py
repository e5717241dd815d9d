"""Physical models: bytes and CPU seconds of a clip, from settings and the upload's facts."""
