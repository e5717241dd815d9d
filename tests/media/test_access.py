"""Where decoding can begin, in real films: in groups that are closed and open, behind an edit list too."""

from __future__ import annotations

from fractions import Fraction

import pytest
from making import Make

from clipkit.media.access import access_after, access_at_or_before, place_behind
from clipkit.media.probe import probe_upload
from clipkit.media.upload import Upload

PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=6")
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "50", "-sc_threshold", "0")
X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params")
FILMS = {
    "closed.mp4": X264,
    "closed.mkv": X264,
    "closed.ts": X264,
    "open.mp4": (*X264, "-x264-params", "open-gop=1:b-pyramid=strict"),
    "open.ts": (*X264, "-x264-params", "open-gop=1:b-pyramid=strict"),
    "closed.mov": (*X265, "log-level=0:keyint=50:min-keyint=50:scenecut=0:open-gop=0"),
    "open.mov": (*X265, "log-level=0:keyint=50:min-keyint=50:scenecut=0:open-gop=1"),
}


@pytest.fixture(params=list(FILMS))
def film(request: pytest.FixtureRequest, make: Make) -> Upload:
    return probe_upload(make(request.param, *FILMS[request.param], source=PICTURE))


def shown_s(film: Upload, place: int) -> Fraction:
    """Counted from the first picture: a transport stream's sound may begin earlier."""
    return (film.decoding_ticks[place] - film.tick(0)) * film.time_base


def test_every_two_seconds_decoding_can_begin(film: Upload) -> None:
    first_s = Fraction(film.tick(0)) * film.time_base
    found = [access_at_or_before(film, first_s + Fraction(t, 100)) for t in (0, 199, 200, 399, 599)]
    assert [float(shown_s(film, point.place)) for point in found if point] == [0, 0, 2, 2, 4]
    later = access_after(film, first_s + 2)
    assert later
    assert shown_s(film, later.place) == 4
    assert access_after(film, first_s + 4) is None
    assert access_at_or_before(film, first_s - 1) is None


def test_it_is_known_whether_a_group_needs_what_came_before(film: Upload) -> None:
    later = access_after(film, Fraction(film.tick(0)) * film.time_base)
    assert later
    assert later.is_closed == film.path.name.startswith("closed")
    first = access_at_or_before(film, Fraction(film.tick(0)) * film.time_base)
    assert first
    assert first.is_closed


def test_every_picture_has_its_place_in_the_order_of_decoding(film: Upload) -> None:
    assert sorted(film.decoding_ticks) == [film.tick(n) for n in range(len(film.frame_times_s))]
    assert film.decoding_ticks != tuple(sorted(film.decoding_ticks))
    assert (film.damaged_places, film.untimed, film.set_turns) == ((), 0, ())


def test_a_span_takes_what_its_last_picture_refers_to_and_no_more(film: Upload) -> None:
    for frame in range(1, 150):
        behind = place_behind(film, 0, film.tick(frame))
        taken = film.decoding_ticks[:behind]
        assert {film.tick(n) for n in range(frame)} <= set(taken)
        assert taken[-1] < film.tick(frame)


def test_key_frames_before_an_edit_lists_start_are_known(make: Make) -> None:
    """As of a clip that was cut by a copy and comes back as an upload."""
    source = make("closed.mp4", *X264, source=PICTURE)
    cut = make("cut.mp4", "-c", "copy", source=("-ss", "3", "-i", source))
    film = probe_upload(cut)
    assert (film.frame_times_s[0], len(film.frame_times_s)) == (0.0, 75)
    point = access_at_or_before(film, Fraction(1, 2))
    assert point
    assert shown_s(film, point.place) == -1
    assert len(film.decoding_ticks) == 100


def test_parameter_sets_other_than_the_headers_are_found(make: Make) -> None:
    small, large = (
        make(f"{size}.ts", *X264, source=("-f", "lavfi", "-i", f"testsrc2=size={size}:duration=2"))
        for size in ("160x90", "240x136")
    )
    joined = make("joined.mkv", "-c", "copy", source=("-i", f"concat:{small}|{large}|{small}"))
    film = probe_upload(joined)
    assert film.sets_inside
    assert film.set_turns == (50, 100)
