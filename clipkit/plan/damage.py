"""What an ffmpeg says where pictures that it decoded are not whole. Pure.

It ends well then: a decoder conceals what it cannot read, and goes on from what it concealed. Of some
codecs' damage no decoder knows; a lost picture shows in their number.
"""

from __future__ import annotations

LEVEL = "level+warning"
"""How much ffmpeg has to say (`-v`), and of each line how grave it is."""


def damage_signs(stream: int, starts_at_keys: bool = False, inputs: str = "0") -> str:
    """A pattern for lines of ffmpeg 5.1 (first of each pair) and 9.0 that tell of damaged pictures of that
    stream: a picture which its decoder marks, a packet that gave none. `inputs`: a pattern for their numbers.

    Most of what a decoder itself says is no sign: it also complains of what it lacks where it starts
    between two key frames, and shows nothing of that. Where it `starts_at_keys`, what HEVC's misses was lost.
    """
    return "|".join(
        (
            rf"corrupt decoded frame in stream {stream}$",
            rf"\[vist#{inputs}:{stream}/.*corrupt decoded frame",
            rf"Error while decoding stream #{inputs}:{stream}:",
            rf"\[vist#{inputs}:{stream}/.*Error submitting packet to decoder",
            *((r"\[hevc @ .*Could not find ref with POC",) if starts_at_keys else ()),
        )
    )
