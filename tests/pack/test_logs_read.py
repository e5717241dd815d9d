"""Parts are found in whatever a host's logging makes of them; what is not whole is named, never taken."""

from __future__ import annotations

import dataclasses
import io
import json
import random
import string
import tracemalloc
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from clipkit.format import MIB
from clipkit.pack.arrived import Arrivals, Payload, Refusal
from clipkit.pack.kept import Packed, PackedTrial
from clipkit.pack.logs import lines_of
from clipkit.pack.there.parts import Kind, Sender, printed_parts

Lines = list[str]
SIZES = (200, 3000, 9000, 30_000)


def pack_named(name: str, key: bytes) -> Packed:
    trials = tuple(PackedTrial("cell", number, "a cell") for number in range(9))
    return Packed(name, key.hex(), "trying", "here", "", "", "", {}, trials)


OWN = pack_named("0123456789ab", bytes(range(32)))
OTHER = pack_named("ba9876543210", bytes(range(1, 33)))


def sender(packed: Packed = OWN, life: str = "89abcdef") -> Sender:
    return Sender(packed.pack, life, packed.key_bytes)


def told(trial: int) -> dict[str, Any]:
    """What trial of that number tells: it does not compress, and is longer or shorter."""
    chance = random.Random(trial)
    return {"noise": "".join(chance.choices(string.printable, k=SIZES[trial % len(SIZES)]))}


def printed(packed: Packed = OWN, trials: Iterable[int] = range(1, 9)) -> Lines:
    """The output of a pack: its parts between what other programs print."""
    lines = ["starting", '{"level": "info", "log": "not ours"}']
    for trial in trials:
        lines += [f"trial {trial} begins", *printed_parts(sender(packed), Kind.BEGAN, trial, {})]
        lines += ["\x1b[32mGET /healthz 200\x1b[0m"]
        lines += printed_parts(sender(packed), Kind.ENDED, trial, told(trial))
    return lines


def read(lines: Iterable[str | bytes], *packs: Packed) -> tuple[list[Payload], list[Refusal]]:
    arrivals = Arrivals({packed.pack: packed for packed in packs or (OWN,)}.get)
    arrivals.read_log((x if isinstance(x, bytes) else x.encode() for x in lines), "a.log")
    return arrivals.payloads()


def ends(found: list[Payload]) -> dict[int, Any]:
    return {each.trial: each.document for each in found if each.kind is Kind.ENDED}


WHOLE = {trial: told(trial) for trial in range(1, 9)}


def pieces(line: str, most: int) -> Lines:
    return [line[at : at + most] for at in range(0, len(line), most)] or [""]


def plain(lines: Lines, _: int) -> Lines:
    return lines


def heroku(lines: Lines, most: int) -> Lines:
    return [
        f"2026-11-26T15:13:{n % 60:02d}.677020+00:00 app[cron.{n % 3}]: {piece}"
        for n, line in enumerate(lines)
        for piece in pieces(line, most)
    ]


def kubernetes(lines: Lines, most: int) -> Lines:
    """As containerd and cri-o write it, with what a neighbour says on stderr in between."""
    written = []
    for line in lines:
        *first, last = pieces(line, most)
        written += [f"2026-11-26T00:17:09.669794202Z stdout P {piece}" for piece in first]
        written += ["2026-11-26T00:17:09.669794202Z stderr F a warning"]
        written += [f"2026-11-26T00:17:09.669794202Z stdout F {last}"]
    return written


def docker(lines: Lines, most: int) -> Lines:
    return [
        json.dumps({"log": piece, "stream": "stdout", "time": "2026-11-26T00:17:09.6Z"})
        for line in lines
        for piece in pieces(line + "\n", most)
    ]


def docker_compose(lines: Lines, most: int) -> Lines:
    return [f"\x1b[36mweb_1  | \x1b[0m{piece}" for line in lines for piece in pieces(line, most)]


def cloud(lines: Lines, most: int) -> Lines:
    """JSON in JSON, as log drains hand on what was JSON before."""
    return [
        json.dumps({"severity": "DEFAULT", "body": json.dumps({"message": f"\t{piece}\n"}), "n": n})
        for n, line in enumerate(lines)
        for piece in pieces(line, most)
    ]


FORMS = [plain, heroku, kubernetes, docker, docker_compose, cloud]


@pytest.mark.parametrize("most", [8192, 10_000, 16_384, 4000, 1500, 700])
@pytest.mark.parametrize("form", FORMS)
def test_whatever_is_around_a_line_and_wherever_it_is_cut_all_comes_home(
    form: Callable[[Lines, int], Lines], most: int
) -> None:
    found, refused = read(form(printed(), most))
    assert ends(found) == WHOLE
    assert refused == []


@pytest.mark.parametrize("form", [heroku, kubernetes, docker, docker_compose, cloud])
@pytest.mark.parametrize("seed", range(8))
def test_a_log_cut_by_its_bytes_alone_comes_home_too(
    form: Callable[[Lines, int], Lines], seed: int
) -> None:
    """The reader of a pipe hands on what it got, wherever the lines end."""
    chance, stream = random.Random(seed), "\n".join(printed()) + "\n"
    cut = []
    while stream:
        at = chance.choice([8192, 10_000, 16_384, chance.randint(300, 20_000)])
        cut += form(stream[:at].split("\n"), 10**9)
        stream = stream[at:]
    found, refused = read(cut)
    assert ends(found) == WHOLE
    assert refused == []


@pytest.mark.parametrize("seed", range(5))
def test_lines_may_come_doubled_and_in_any_order(seed: int) -> None:
    chance, lines = random.Random(seed), printed()
    mixed = lines + chance.sample(lines, len(lines) // 2)
    chance.shuffle(mixed)
    found, refused = read(heroku(mixed, 10_000))
    assert ends(found) == WHOLE
    assert len(found) == 2 * len(WHOLE)
    assert refused == []


def test_the_pieces_of_a_part_may_have_other_lines_between_them() -> None:
    (line,) = printed_parts(sender(), Kind.ENDED, 1, {"a": "b" * 50})
    split = [f"x {line[:90]}", *(f"other line number {n} of stdout" for n in range(40)), line[90:]]
    assert ends(read(split)[0]) == {1: {"a": "b" * 50}}
    assert ends(read([split[-1], split[0]])[0]) == {1: {"a": "b" * 50}}


@pytest.mark.parametrize("seed", range(20))
def test_a_lost_part_is_named_and_costs_its_trial_alone(seed: int) -> None:
    chance, lines = random.Random(seed), printed()
    mine = [n for n, line in enumerate(lines) if ".e." in line]
    lost = chance.choice(mine)
    trial, number, of = lines[lost].split(".")[4:7]
    found, refused = read(docker(lines[:lost] + lines[lost + 1 :], 16_384))
    assert ends(found) == {k: v for k, v in WHOLE.items() if k != int(trial)}
    if of == "1":  # nothing told of it
        assert refused == []
    else:
        assert [each.trial for each in refused] == [int(trial)]
        assert f"the end of trial {trial}: part {number} of {of} did not come home" in str(
            refused[0]
        )


@pytest.mark.parametrize("seed", range(20))
def test_an_altered_part_is_refused_with_its_line(seed: int) -> None:
    chance, lines = random.Random(seed), printed()
    at = chance.choice([n for n, line in enumerate(lines) if ".e." in line])
    trial, letter = int(lines[at].split(".")[4]), chance.randrange(150, len(lines[at]))
    other = chance.choice([c for c in string.ascii_letters if c != lines[at][letter]])
    lines[at] = lines[at][:letter] + other + lines[at][letter + 1 :]
    found, refused = read(lines)
    assert ends(found) == {k: v for k, v in WHOLE.items() if k != trial}
    assert str(refused[0]).startswith(f"a.log, line {at + 1}: ")
    assert "its signature does not fit" in str(refused[0]) or "cut off or altered" in str(
        refused[0]
    )


def test_a_forged_trial_is_refused() -> None:
    forged = Sender(OWN.pack, "00000000", bytes(32))
    found, refused = read([*printed(), *printed_parts(forged, Kind.ENDED, 3, {"better": True})])
    assert ends(found) == WHOLE
    assert ["its signature does not fit" in str(each) for each in refused] == [True]


def test_a_part_whose_rest_is_lost_is_named() -> None:
    (line,) = printed_parts(sender(), Kind.ENDED, 1, {"a": 1})
    found, refused = read([line[:-9], "and so on"])
    assert found == []
    assert "line 1: a part that is cut off or altered" in str(refused[0])
    assert read([line[:-9], "and so on", line])[1] == []  # it came whole besides


def test_what_expands_to_a_gigabyte_is_refused_before_it_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    squeezed, zeros = zlib.compressobj(9), bytes(1 << 20)
    bomb = b"".join(squeezed.compress(zeros) for _ in range(1024)) + squeezed.flush()
    monkeypatch.setattr("zlib.compress", lambda *_: bomb)
    lines = printed_parts(sender(), Kind.ENDED, 5, {})
    tracemalloc.start()
    found, refused = read(lines)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == []
    assert "the end of trial 5: it expands to more than 32 MB" in str(refused[0])
    assert most < 128 * MIB


def test_two_runs_in_one_log_are_told_apart() -> None:
    mixed = [line for pair in zip(printed(), printed(OTHER), strict=True) for line in pair]
    found, refused = read(heroku(mixed, 10_000), OWN, OTHER)
    assert refused == []
    for packed in (OWN, OTHER):
        assert ends([each for each in found if each.pack == packed.pack]) == WHOLE


def test_a_pack_whose_key_is_not_here_is_foreign_and_nothing_of_it_is_taken() -> None:
    arrivals = Arrivals({OWN.pack: OWN}.get)
    arrivals.read_log((line.encode() for line in printed(OTHER)), "a.log")
    assert arrivals.payloads() == ([], [])
    assert arrivals.foreign == {OTHER.pack}


def test_the_key_of_one_pack_does_not_open_the_door_of_another() -> None:
    wrong = dataclasses.replace(OTHER, key=OWN.key)
    found, refused = read(printed(OTHER), wrong)
    assert found == []
    assert all("its signature does not fit" in str(each) for each in refused)


@pytest.mark.parametrize("seed", range(10))
def test_no_bytes_make_the_reader_fall_over(seed: int) -> None:
    chance = random.Random(seed)
    lines = [bytearray(line.encode()) for line in heroku(printed(), 10_000)]
    for line in lines:
        for _ in range(chance.randrange(4)):
            line[chance.randrange(len(line))] = chance.randrange(256)
    lines.append(bytearray(chance.randbytes(5000)))
    found, refused = read(bytes(line) for line in lines)
    assert all(WHOLE[trial] == document for trial, document in ends(found).items())
    assert refused


def test_a_line_that_would_fill_the_memory_is_read_in_pieces() -> None:
    own = "\n".join(printed(trials=[1, 2])).encode()
    log = io.BytesIO(b"a" * (96 * MIB) + b"\n" + own)
    arrivals = Arrivals({OWN.pack: OWN}.get)
    tracemalloc.start()
    try:
        arrivals.read_log(lines_of(log), "a.log")
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 48 * MIB
    found, refused = arrivals.payloads()
    assert ends(found) == {1: told(1), 2: told(2)}
    assert not refused
