"""Which settings are proposed for a host, before anything is measured."""

from __future__ import annotations

from dataclasses import replace

import pytest
from surface import FILM, STARTER, TWO_CORES

from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.model.memory import clip_anon_bytes, least_bytes
from clipkit.settings import Settings
from clipkit.tuning.candidates import cores_of, propose

HOSTS = [
    STARTER,
    TWO_CORES,
    Host("tenth", 512 * MIB, 0.1),
    Host("four", 2048 * MIB, 4.0),
    Host("any", None, None),
]
UHD = replace(FILM, width=3840, height=2160, coded_width=3840, coded_height=2160)


def name(host: Host) -> str:
    return host.name


@pytest.mark.parametrize("host", HOSTS, ids=name)
def test_the_first_is_the_most_cautious(host: Host):
    first = propose((FILM,), host, 0, Settings())[0]
    assert (first.concurrency, first.encoder_threads, first.decoder_threads) == (1, 1, 1)


@pytest.mark.parametrize("host", HOSTS, ids=name)
def test_none_is_proposed_twice(host: Host):
    found = propose((FILM,), host, 0, Settings())
    assert len(found) == len(set(found)) > 3


@pytest.mark.parametrize("host", HOSTS, ids=name)
def test_all_seek_before_the_input_and_encode_as_the_user_decided(host: Host):
    fixed = Settings(preset="veryfast", crf=30, audio="aac", seek="output")
    for candidate in propose((FILM,), host, 0, fixed):
        assert candidate.seek == "input"
        assert (candidate.preset, candidate.crf, candidate.audio) == ("veryfast", 30, "aac")


@pytest.mark.parametrize("host", HOSTS, ids=name)
def test_one_clip_a_core_more_than_that_and_ffmpegs_own_threads_are_among_them(host: Host):
    found = propose((FILM,), host, 0, Settings())
    at_once = {candidate.concurrency for candidate in found}
    assert {1, cores_of(host), cores_of(host) + 1} <= at_once
    assert any(candidate.encoder_threads == 0 for candidate in found)


def test_cores_are_rounded_up_and_an_unlimited_host_is_tried_with_four():
    assert [cores_of(host) for host in HOSTS] == [1, 2, 1, 4, 4]


def test_what_surely_does_not_fit_is_left_out():
    four = Host("four", 512 * MIB, 4.0)
    small = propose((UHD,), four, 0, Settings())
    large = propose((UHD,), replace(four, memory_bytes=8192 * MIB), 0, Settings())
    assert {c.concurrency for c in small} < {c.concurrency for c in large}


def test_where_the_presets_frames_do_not_fit_leaner_ones_are_proposed():
    found = propose((UHD,), STARTER, 0, Settings(preset="medium"))
    assert found[0].lookahead == 0
    assert found[0].bframes == 0
    assert found[0].refs == 1


def test_a_reserve_that_leaves_nothing_still_proposes_one():
    found = propose((FILM,), STARTER, 511 * MIB, Settings())
    assert len(found) == 1
    assert found[0].concurrency == 1


def test_the_largest_upload_decides():
    both = propose((FILM, UHD), STARTER, 0, Settings())
    assert both == propose((UHD,), STARTER, 0, Settings())


def test_left_out_is_what_takes_more_than_there_is_by_the_models_own_margin():
    every = propose((UHD,), Host("large", None, 2.0), 0, Settings())
    for room_mb in range(300, 1500, 25):
        host = Host("tight", room_mb * MIB, 2.0)
        found = propose((UHD,), host, 0, Settings())
        for candidate in every[1:]:  # the first is always tried
            least = least_bytes(clip_anon_bytes(UHD, candidate)) * candidate.concurrency
            assert (candidate in found) == (least <= room_mb * MIB)
