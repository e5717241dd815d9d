"""What players really show of a clip of each mode: before playing, playing, near the end, ended, sought back, looped."""

from __future__ import annotations

import shutil
import subprocess
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import imageio_ffmpeg
import players
import pytest
import requirements
from copied import WAYS
from counted import FILMS, number_of
from oracle import Asked, Oracle, due
from players import Player, Seen, Watched
from running import clipkit

from clipkit.plan.modes import MODES

EXACT = [mode for mode in WAYS if mode in MODES and mode != "auto"]
# From the middle of a group of pictures to the middle of another, across an access point.
ASKED = ("2.48", "1.30")
ACCESS = 40
REORDERED = 3
"""How many pictures more a copy may have to hold at its end, since those before them need them."""


@dataclass(frozen=True)
class Expected:
    """The numbers of a right clip's pictures, and from when on each is shown."""

    numbers: list[int]
    times_s: list[float]
    length_s: float

    def place(self, when_s: float) -> int:
        return max(0, bisect_right(self.times_s, when_s + 0.001) - 1)


@pytest.fixture(scope="module", params=["closed H.264, 1/12800", "open H.264"])
def film(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return FILMS[request.param].make(tmp_path_factory.mktemp("film"))


@pytest.fixture(scope="module")
def expected(film: Path) -> Expected:
    return expected_of(film)


def expected_of(film: Path) -> Expected:
    (whole,) = Oracle(film).films
    wanted = due(whole, Asked.of(*ASKED))
    assert wanted is not None
    numbers = [number_of(whole.pictures[index].grey) for index in wanted.pictures]
    return Expected(numbers, list(map(float, wanted.times)), float(wanted.length))


@pytest.fixture(scope="module", params=EXACT)
def clip(request: pytest.FixtureRequest, film: Path, served: Path) -> Path:
    return clip_of(film, request.param, served)


def clip_of(film: Path, mode: str, served: Path) -> Path:
    """Named by its mode, in the folder that the players read."""
    out = film.parent / mode
    how = ("--mode", mode, "--crf", "20", "--json")
    listed = film.with_suffix(".csv")
    listed.write_text(f"start_s,duration_s\n{','.join(ASKED)}\n")
    ran = clipkit("cut", film, "--out", out, "--clips", listed, *how)
    assert ran.code == 0, ran.err
    return Path(shutil.copy(ran.json["clips"][0]["file"], served / f"{mode}.mp4"))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module", params=[players.chromium, players.firefox])
def player(request: pytest.FixtureRequest, served: Path) -> Iterator[Player]:
    with request.param(served) as started:
        yield started


def test_a_browser_shows_each_picture_when_it_is_due(
    player: Player, clip: Path, expected: Expected
) -> None:
    watched = player.watch(clip)
    assert watched.duration_s == pytest.approx(expected.length_s, abs=0.03)
    follow(watched.playing, expected, blind_s=0.02 if hides(player, clip) else 0.0)
    assert_due(watched.inside, expected)
    if hides(player, clip):
        assert_hidden_at_the_edges(watched, expected)
        return
    assert_due(watched.near_end, expected)
    assert watched.first.number == watched.back.number == expected.numbers[0]
    assert watched.ended.number == expected.numbers[-1]


def test_hevc_that_is_copied_plays_in_firefox(tmp_path: Path) -> None:
    """By the system's libraries. Chromium, as it is built for Linux, plays no HEVC."""
    film = FILMS["closed HEVC"].make(tmp_path)
    served = tmp_path / "served"
    served.mkdir()
    clip, expected = clip_of(film, "copy", served), expected_of(film)
    with players.firefox(served) as player:
        watched = player.watch(clip)
    assert watched.duration_s == pytest.approx(expected.length_s, abs=0.03)
    follow(watched.playing, expected, blind_s=0.02)
    assert_due(watched.inside, expected)
    assert_hidden_at_the_edges(watched, expected)


def test_a_browser_loops_a_clip_without_a_foreign_picture(
    player: Player, clip: Path, expected: Expected
) -> None:
    seen = [one.number for one in player.loop(clip)]
    foreign = [number for number in seen if number not in expected.numbers]
    if hides(player, clip):
        assert len(foreign) <= 2 * REORDERED + 3, foreign
    else:
        assert foreign == []
    assert seen.count(expected.numbers[1]) + seen.count(expected.numbers[2]) >= 2, seen


def hides(player: Player, clip: Path) -> bool:
    """Firefox ignores edit lists, so what a copy hides is there for it, for some milliseconds."""
    return player.name == "Firefox" and clip.stem == "copy"


def assert_hidden_at_the_edges(watched: Watched, expected: Expected) -> None:
    """A still of a list-blind player's is a picture that is hidden: the first before it plays, and the
    last that others needed where it has ended."""
    for seen in (watched.first, watched.back):
        assert ACCESS <= seen.number <= expected.numbers[0], seen
    for seen in (watched.near_end, watched.ended):
        assert 0 <= seen.number - expected.numbers[-1] <= REORDERED, seen


def follow(playing: tuple[Seen, ...], expected: Expected, blind_s: float) -> None:
    """On a busy machine what is looked at may be the picture before the one that was reported, or behind it,
    and now and then one that was painted long before."""
    seen = [one for one in playing if blind_s <= one.at_s < expected.times_s[-1]]
    assert len(seen) > len(expected.numbers) / 4, playing
    away = [abs(expected.numbers.index(one.number) - expected.place(one.at_s)) for one in seen]
    assert sum(one <= 1 for one in away) > 0.8 * len(away), seen


def assert_due(seen: Seen, expected: Expected) -> None:
    assert seen.number == expected.numbers[expected.place(seen.at_s)], seen


@pytest.mark.parametrize("ignores", [False, True])
def test_a_thumbnail_at_0_is_the_first_picture(
    clip: Path, expected: Expected, ignores: bool, tmp_path: Path
) -> None:
    """As message services take it. One that ignores edit lists sees what a copy hides."""
    made = still(tmp_path, "-ignore_editlist", str(int(ignores)), "-ss", "0", "-i", clip)
    if ignores and clip.stem == "copy":
        assert ACCESS <= made <= expected.numbers[0]
    else:
        assert made == expected.numbers[0]


def test_a_picture_that_stands_for_a_clip_is_one_of_its_own(
    clip: Path, expected: Expected, tmp_path: Path
) -> None:
    assert still(tmp_path, "-i", clip, "-vf", "thumbnail") in expected.numbers


def still(folder: Path, *words: str | Path) -> int:
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", *map(str, words)]
    subprocess.run([*argv, "-frames:v", "1", folder / "still.png"], check=True, timeout=60)
    return number_in(folder / "still.png")


def number_in(picture: Path) -> int:
    with av.open(str(picture)) as container:
        (frame,) = container.decode(video=0)
        return number_of(frame.reformat(format="gray").to_ndarray())


def test_mpv_shows_the_pictures_in_their_order(
    clip: Path, expected: Expected, tmp_path: Path
) -> None:
    """It decodes what an edit list hides, and shows it too, for as short as it lasts."""
    if shutil.which("mpv") is None:
        requirements.missing("mpv", "no mpv is installed")
    argv = ["mpv", "--no-config", "--vo=image", "--vo-image-format=png", "--no-audio"]
    subprocess.run(
        [*argv, f"--vo-image-outdir={tmp_path}", clip],
        check=True,
        timeout=60,
        stdout=subprocess.DEVNULL,
    )
    shown = [number_in(picture) for picture in sorted(tmp_path.glob("*.png"))]
    hidden = clip.stem == "copy"
    first, last = expected.numbers[0], expected.numbers[-1]
    wanted = range(shown[0], last + 1)
    assert shown[: len(wanted)] == list(wanted)
    assert (ACCESS if hidden else first) <= shown[0] <= first
    assert last <= shown[-1] <= (last + REORDERED if hidden else last)
