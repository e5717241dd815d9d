"""What ffmpeg is told of the sound of a clip whose pictures are copied. Pure."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import ceil

from clipkit.media.upload import AudioTrack, Upload
from clipkit.plan.encoded_sound import IN_STEP, is_sound_copied, mixed_down, sound_of
from clipkit.settings import Settings

# Packets before the one at the start without which a decoder makes other samples of that: codecs whose
# blocks overlap need one, MP3 keeps bits of a frame in those before (ISO/IEC 11172-3, 511 bytes), Opus
# converges in 80 ms (RFC 7845, 4.6), the shortest packets having 2.5.
_PACKETS_BEFORE = {"aac": 1, "ac3": 1, "eac3": 1, "mp3": 9, "flac": 0, "alac": 0}
_OPUS_BEFORE_S, _OPUS_SHORTEST_S = 0.08, 0.0025
_NEXT_TO_NOTHING_S = 1e-5
_ROUNDED_S = 6e-4


def copied_sound_options(
    upload: Upload, settings: Settings, start_s: Fraction, stop_s: Fraction
) -> dict[str, object]:
    """Copied where an MP4's players know it, and else to AAC; of the clip from `start_s` to `stop_s`, by the
    clock that ffmpeg reads."""
    sound = sound_of(upload, settings)
    if sound is None:
        return {"an": None}
    zero_s, end_s = float(start_s), float(stop_s)
    heard_s = _heard_s(upload, sound, start_s, stop_s)
    # Of less than a packet, begun within one, ffmpeg's demuxer plays nothing.
    is_brief = settings.audio != "copy" and 0 < heard_s < sound.usual_s
    if is_brief or not is_sound_copied(sound, settings):
        trim = f"atrim=start={zero_s:.6f}:end={end_s:.6f},asetpts=PTS-{zero_s:.6f}/TB"
        return {"c:a": "aac", "b:a": "128k", "af": ",".join([trim, IN_STEP, *mixed_down(sound)])}
    from_s = sound_taken_from_s(upload, sound, start_s)
    outside = f"lt(pts*tb,{from_s:.15g})+gte(pts*tb,{end_s:.15g})"
    shifted = f"round((PTS*TB-({zero_s:.15g}))*{sound.sample_rate})"
    filters = [
        # In samples: in the milliseconds of Matroska packets would be uneven.
        f"setts=time_base=1/{sound.sample_rate}:pts=PTS:dts=DTS",
        f"noise=amount=0:drop='{outside}'",
        f"setts=ts='{shifted}'",
    ]
    return {"c:a": "copy", "bsf:a": ",".join(filters)}


def sound_taken_from_s(upload: Upload, sound: AudioTrack, start_s: Fraction) -> float:
    """From when on packets of it are copied for a clip from `start_s`, both by the clock that ffmpeg reads."""
    if gap := _lost_before(upload, sound, start_s):
        # What a list hides ffmpeg leaves out sample by sample, and in a gap there are none: it would go on
        # leaving out behind it.
        return float((gap[0] + gap[1]) / 2 + _origin_s(upload))
    return float(start_s) - _needed_s(sound)


def lacks_needed_sound(upload: Upload, settings: Settings, start_s: Fraction) -> bool:
    """Whether packets are lost without which the first that is heard of a copied sound is not decoded as in
    the upload. `start_s` by the clock that ffmpeg reads."""
    sound = sound_of(upload, settings)
    if sound is None or not is_sound_copied(sound, settings):
        return False
    gap = _lost_before(upload, sound, start_s)
    if gap is None:
        return False
    since_s = float(start_s - _origin_s(upload) - gap[1])
    return 0 <= since_s < _lasting_s(sound, _packets_before(sound) - 1)


def _heard_s(upload: Upload, sound: AudioTrack, start_s: Fraction, stop_s: Fraction) -> Fraction:
    """How long it is heard from one to the other at most, where it is heard at all."""
    zero_s, end_s = start_s - _origin_s(upload), stop_s - _origin_s(upload)
    if sound.heard_s is None:
        return end_s - zero_s
    within = ((max(low_s, zero_s), min(high_s, end_s)) for low_s, high_s in sound.heard_s)
    return sum((high_s - low_s for low_s, high_s in within if low_s < high_s), Fraction(0))


def _origin_s(upload: Upload) -> Fraction:
    return upload.origin_ticks * upload.time_base


def _lost_before(
    upload: Upload, sound: AudioTrack, start_s: Fraction
) -> tuple[Fraction, Fraction] | None:
    """From when to when, from the container's start, there last are no packets of those that a start takes."""
    zero_s = start_s - _origin_s(upload)
    needed_s = zero_s - Fraction(_needed_s(sound))
    gaps = [(gone_s, back_s) for (_, gone_s), (back_s, _) in pairwise(sound.heard_s or ())]
    return next((gap for gap in reversed(gaps) if gap[0] <= zero_s and needed_s < gap[1]), None)


def hidden_sound_s(sound: AudioTrack) -> float:
    """How long a copied sound's hidden part lasts at most."""
    return _packets_before(sound) * sound.frame_s


def _packets_before(sound: AudioTrack) -> int:
    """The one that covers the start, and those that its decoder needs before."""
    if sound.codec == "opus":
        return 1 + ceil(_OPUS_BEFORE_S / max(sound.usual_s, _OPUS_SHORTEST_S) - _NEXT_TO_NOTHING_S)
    return 1 + _PACKETS_BEFORE.get(sound.codec, 1)


def _needed_s(sound: AudioTrack) -> float:
    """From when before the start on packets are taken."""
    return _lasting_s(sound, _packets_before(sound))


def _lasting_s(sound: AudioTrack, packets: int) -> float:
    """How long so many last. Whole multiples of 64 samples; in whole milliseconds, as Matroska has them, they
    may begin half of one early."""
    packet_s = round(sound.usual_s * sound.sample_rate / 64) * 64 / max(sound.sample_rate, 1)
    is_rounded = abs(packet_s - sound.usual_s) > _NEXT_TO_NOTHING_S
    return packets * packet_s + (_ROUNDED_S if is_rounded else -_NEXT_TO_NOTHING_S)
