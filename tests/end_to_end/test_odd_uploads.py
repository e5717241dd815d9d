"""Every odd upload gives the right clip or one clear refusal, as the oracle judges that decodes both itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kinds
import odder
import pytest
import requirements
import shared_media
import table
from oracle import REFUSED, RIGHT
from table import Order

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.probe import probe_upload

CASES = shared_media.FOLDER.parent / "cases"
_SEED = 12


def _cases() -> Iterator[Any]:
    if not CASES.is_dir():
        yield pytest.param(None, id="none")
        return
    for order in table.cases(CASES):
        yield pytest.param(order, id=order.name)


@pytest.mark.parametrize("order", list(_cases()))
def test_each_case_comes_as_its_table_says(order: Order | None, each_build: FfmpegBuild) -> None:
    if order is None:
        requirements.missing("media", f"{CASES} is not there")
    row = table.ask(order, each_build.choice)
    assert not row.wrong, row


def test_real_uploads(real_video: tuple[Path, dict[str, Any]], build: FfmpegBuild) -> None:
    path, _ = real_video
    row = table.ask(table.chosen(path, _SEED), build.choice)
    assert not row.wrong, row


def test_what_is_no_film_is_refused(
    real_dud: tuple[Path, dict[str, Any]], build: FfmpegBuild
) -> None:
    path, _ = real_dud
    row = table.ask(Order(path, (("0", "0.5"),), outcomes=(REFUSED,)), build.choice)
    assert not row.wrong, row


# One of each, where no case is like it; `table.py --kinds` goes through all of them.
MORE = (
    *("three sizes.ts", "size changes, two entries.mp4", "shape changes, two entries.mp4"),
    *("size changes, MPEG-2.ts", "shape changes.mkv", "clean aperture.mov"),
    *("two parts by list.mp4", "a part twice by list.mp4"),
    *(
        "sound overlaps.ts",
        "sound lost.mkv",
        "clock wraps.ts",
        "clock leaps.ts",
        "clock goes back.ts",
    ),
    *("two at one time.ts", "HLG without matrix.mp4", "24 channels.mov", "first sound unknown.mkv"),
    *("television second.ts", "pictures late.mkv", "sound late.mp4", "sound outlasts.mp4"),
    *("slides.webm", "a still screen.mov", "open GOP, x265.ts", "edit list hides.mp4"),
    *("no cues.webm", "cut off.ts", "damaged within.ts", "turned.mp4", "RGB.mkv"),
)


@pytest.mark.parametrize("kind", MORE)
def test_more_of_each_kind(kind: str, build: FfmpegBuild, tmp_path: Path) -> None:
    row = table.ask(table.chosen(kinds.KINDS[kind](tmp_path), _SEED), build.choice)
    assert not row.wrong, row


@pytest.mark.parametrize(
    "kind",
    [
        *("without stss, HEVC.mp4", "without stss, MPEG-4.mp4", "alternate references.webm"),
        *("sound comes later.ts", "turned by 60.mp4"),
    ],
)
@pytest.mark.parametrize("mode", ["encode", "auto", "copy", "smart"])
def test_what_others_lie_about_or_change_later(
    kind: str, mode: str, build: FfmpegBuild, tmp_path: Path
) -> None:
    row = table.ask(table.chosen(odder.ODDER[kind](tmp_path), _SEED), build.choice, mode=mode)
    assert not row.wrong, row
    if mode in ("encode", "auto"):
        assert {one.outcome for one in row.verdicts} == {RIGHT}, row


def test_a_programme_that_gains_its_sound_later_has_it(tmp_path: Path) -> None:
    film = probe_upload(odder.ODDER["sound comes later.ts"](tmp_path))
    assert film.sound is not None
    assert film.sound_note is None


@pytest.mark.parametrize("mode", ["encode", "auto", "copy", "smart"])
def test_a_clock_that_will_wrap_around_begins_before_0(
    mode: str, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    film = kinds.KINDS["clock wraps.ts"](tmp_path)
    row = table.ask(Order(film, (("0.2", "0.5"), ("2", "1"))), each_build.choice, mode=mode)
    assert {one.outcome for one in row.verdicts} == {RIGHT}, row
    assert not row.wrong, row


@pytest.mark.parametrize(
    ("kind", "copied"),
    [
        ("AV1.mp4", RIGHT),
        ("AV1.mkv", RIGHT),
        ("interlaced.ts", RIGHT),
        ("fields in pairs.mp4", RIGHT),
        ("fields apart.mp4", REFUSED),
        ("fields apart.ts", REFUSED),
    ],
)
def test_av1_and_fields_are_exact_in_every_mode_or_refused(
    kind: str, copied: str, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    order = table.chosen(kinds.KINDS[kind](tmp_path), _SEED)
    for mode, outcome in (
        ("encode", RIGHT),
        ("auto", RIGHT),
        ("copy", copied),
        ("smart", REFUSED),
    ):
        row = table.ask(order, each_build.choice, mode=mode)
        assert {one.outcome for one in row.verdicts} == {outcome}, row
        assert not row.wrong, row


@pytest.mark.parametrize("kind", ["H.264.avi", "H.264, B-frames.avi"])
def test_an_avi_of_h264_is_cut_by_its_times_of_decoding_and_not_copied(
    kind: str, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    order = table.chosen(odder.ODDER[kind](tmp_path), _SEED)
    for mode, outcome in (("encode", RIGHT), ("auto", RIGHT), ("copy", REFUSED)):
        row = table.ask(order, each_build.choice, mode=mode)
        assert {one.outcome for one in row.verdicts} == {outcome}, row
    assert "no time" in str(row), row  # and not on the way


@pytest.mark.parametrize("kind", ["pyramid, open.mp4", "pyramid, open.ts"])
def test_a_copy_needs_no_picture_from_before_it(
    kind: str, build: FfmpegBuild, tmp_path: Path
) -> None:
    """Pictures behind its open groups' key frames have some from before these forgotten."""
    row = table.ask(table.chosen(odder.ODDER[kind](tmp_path), _SEED), build.choice, mode="copy")
    assert {one.outcome for one in row.verdicts} == {RIGHT}, row


@pytest.mark.parametrize("mode", ["auto", "smart", "copy"])
def test_sound_of_less_than_a_packet_is_heard(
    mode: str, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    film = odder.ODDER["one picture and sound.mp4"](tmp_path)
    row = table.ask(Order(film, (("0.017", "0.008"),)), each_build.choice, mode=mode)
    assert {one.outcome for one in row.verdicts} == {RIGHT}, row


@pytest.mark.parametrize("mode", ["auto", "smart", "copy"])
def test_what_is_copied_of_a_film_with_two_shapes_is_not_told_to_be_of_the_other(
    mode: str, build: FfmpegBuild, tmp_path: Path
) -> None:
    """ffmpeg would copy the last entry's shape to clips of the first."""
    film = kinds.KINDS["shape changes, two entries.mp4"](tmp_path)
    clips = (("0.1", "0.5"), ("0.4", "0.5"), ("1.1", "0.6"))
    row = table.ask(Order(film, clips), build.choice, mode=mode)
    assert not row.wrong, row
    assert {one.outcome for one in row.verdicts} == {REFUSED if mode == "copy" else RIGHT}
