"""Whether a clip's sound is the film's, from the same moment on: by correlation, to a millisecond."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from frames import Sound
from numpy.typing import NDArray
from scipy.signal import correlate

_SILENT = 1e-3
_LAG_S = 0.05
_STEP_S = 0.001
_ALIKE = 0.2  # noise in six channels at 128 kbit/s is no more like itself than 0.4
# What coding adds: a peak a hair higher elsewhere is no proof.
_MARGIN = 0.98


def faults(film: Sound | None, clip: Sound | None, zero_s: float, length_s: float) -> Iterator[str]:
    """`zero_s`: where in the film the clip's time 0 is; `length_s`: how long the clip is."""
    due = film is not None and _loudness(_part(film, zero_s, zero_s + length_s)) > _SILENT
    if film is None or clip is None:
        if due:
            yield "it has no sound, the film has"
        elif clip is not None and film is None and _loudness(clip.samples) > _SILENT:
            yield "it has sound, the film has none"
        return
    frame_s = max(film.frame_s, clip.frame_s) + _STEP_S
    yield from _edges(film, clip, zero_s, length_s, frame_s)
    yield from _step(film, clip, zero_s, length_s)


def _edges(
    film: Sound, clip: Sound, zero_s: float, length_s: float, frame_s: float
) -> Iterator[str]:
    """Silence is as good as no sound: before it begins, behind its end, and where packets are lost.

    A stretch of silence is known to a step: a sample of sound at its edge is none.
    """
    starts, ends = max(0.0, film.at - zero_s), min(length_s, film.end - zero_s)
    if ends - starts <= frame_s:
        return
    lost = _part(film, zero_s + starts + frame_s, zero_s + min(clip.at, ends) - _STEP_S)
    if clip.at > starts + frame_s and _loudness(lost) > _SILENT:
        yield f"its sound starts at {clip.at:.4f} s instead of {starts:.4f}"
    if clip.at < starts - frame_s and _loudness(_part(clip, clip.at, starts - frame_s)) > _SILENT:
        yield f"its sound starts at {clip.at:.4f} s, before the film's at {starts:.4f}"
    lost = _part(film, zero_s + max(clip.end, starts) + _STEP_S, zero_s + ends - frame_s)
    if clip.end < ends - frame_s and _loudness(lost) > _SILENT:
        yield f"its sound ends at {clip.end:.4f} s instead of {ends:.4f}"
    if clip.end > length_s + frame_s:
        yield f"its sound ends at {clip.end:.4f} s, the clip at {length_s:.4f}"


def _step(film: Sound, clip: Sound, zero_s: float, length_s: float) -> Iterator[str]:
    from_s, until_s = max(0.0, clip.at), min(length_s, clip.end)
    if until_s - from_s < 2 * _LAG_S:
        return
    rate = clip.rate
    heard = _part(clip, from_s, until_s)
    original = _at_rate(
        _part(film, zero_s + from_s - _LAG_S, zero_s + until_s + _LAG_S), film.rate, rate
    )
    lag = round(_LAG_S * rate)
    original = original[: len(heard) + 2 * lag]
    if _loudness(original[lag : lag + len(heard)]) < _SILENT:
        if _loudness(heard) > 10 * _SILENT:
            yield "it sounds where the film is silent"
        return
    if _loudness(heard) < _SILENT / 10:
        yield "it is silent where the film is not"
        return
    likeness = _likeness(original, heard)
    middle, step = len(likeness) // 2, round(_STEP_S * rate)
    middle = min(lag, len(likeness) - 1)
    near = float(likeness[max(0, middle - step) : middle + step + 1].max())
    best = int(likeness.argmax())
    if _is_white(original):
        return
    if likeness[best] < _ALIKE:
        yield f"its sound is not the film's (likeness {likeness[best]:.2f})"
    elif near < _MARGIN * likeness[best]:
        yield f"its sound is {(best - middle) / rate * 1000:.1f} ms off"


def _likeness(original: NDArray[np.float32], heard: NDArray[np.float32]) -> NDArray[np.float64]:
    """Correlation at each lag, from the first to the last that fits."""
    heard = heard.astype(np.float64) - heard.mean()
    original = original.astype(np.float64) - original.mean()
    products = correlate(original, heard, mode="valid", method="fft")
    sums = np.concatenate([[0.0], np.cumsum(original**2)])
    powers = sums[len(heard) :] - sums[: len(sums) - len(heard)]
    return products / np.sqrt(np.maximum(powers * (heard**2).sum(), 1e-12))


def _is_white(samples: NDArray[np.float32]) -> bool:
    """Loud noise of every pitch alike, as damaged samples are: AAC replaces it by other noise."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    bands = np.array([band.mean() for band in np.array_split(power[1:], 32)])
    flatness = float(np.exp(np.log(bands + 1e-12).mean()) / bands.mean())
    return flatness > 0.8 and _loudness(samples) > 0.4


def _part(sound: Sound, from_s: float, until_s: float) -> NDArray[np.float32]:
    """Silence where it has no samples."""
    first = round((from_s - sound.at) * sound.rate)
    last = max(first, round((until_s - sound.at) * sound.rate))
    inside = sound.samples[max(0, first) : max(0, last)]
    before = np.zeros(min(max(0, -first), last - first), np.float32)
    behind = np.zeros(max(0, last - first - len(before) - len(inside)), np.float32)
    return np.concatenate([before, inside, behind])


def _at_rate(samples: NDArray[np.float32], rate: int, wanted: int) -> NDArray[np.float32]:
    if rate == wanted:
        return samples
    times = np.arange(round(len(samples) * wanted / rate)) * (rate / wanted)
    return np.interp(times, np.arange(len(samples)), samples).astype(np.float32)


def _loudness(samples: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
