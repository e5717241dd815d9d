"""`clipkit export`: every form is run, by its own language, and what it cuts is looked at."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import pytest
import requirements

from clipkit.ceiling.base import Ceiling, Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.formats import GUARD
from clipkit.settings import Settings
from clipkit.tuning.config import Measured, config_toml
from clipkit.tuning.programmes import FORMS

# Nothing here is as x264's preset has it, so that the encoder's own account tells them apart.
SETTINGS = Settings(
    preset="veryfast",
    crf=28,
    concurrency=2,
    encoder_threads=1,
    decoder_threads=1,
    lookahead=7,
    mbtree=True,
    bframes=1,
    refs=2,
    crop="9:16",
    scale_height=60,
)
SIZE = (34, 60)
"""Of 160x90."""
SAID_BY_X264 = {
    "threads": "1",
    "rc_lookahead": "7",
    "mbtree": "1",
    "bframes": "1",
    "ref": "2",
    "crf": "28.0",
}
FRAME_S = 1 / 25
MEASURED = Measured("render-starter", "small.mp4", "ffmpeg", "2026-11-25")
OWN = (
    "ffmpeg -y -i {input} -ss {start} -to {end} -c:v libx264 -preset veryfast -crf 28 "
    "-vf 'scale=80:-2,format=yuv420p' -metadata 'title=it'\\''s \"$HOME\" `é` \\\\' -c:a aac {output}"
)
"""With what is awkward to quote in every language."""
CHANGED = Settings(
    preset="veryfast",
    crf=28,
    concurrency=2,
    encoder_threads=1,
    decoder_threads=1,
    filter_threads=0,
    refs=2,
)
TITLE = 'title=it\'s "$HOME" `é` \\\\'
HOSTILE_UPLOAD = "-in:put é$(touch pwned).mp4"
CLIPS = [(0.5, 1.0, "-first.mp4"), (1.52, 1.2, "second:2.mp4"), (2.6, 0.8, "third 'ö\" %d.mp4")]

_NODE = """
const { cutClip } = require('./cut.js');
const [input, clips] = JSON.parse(process.argv[2]);
Promise.allSettled(
  clips.map(([start, duration, output]) => cutClip(input, start, duration, output)),
).then((ended) => {
  for (const { reason } of ended.filter(({ status }) => status === 'rejected')) {
    console.error(reason);
    process.exitCode = 1;
  }
});
"""
_PYTHON = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from cut import cut_clip
source, clips = json.loads(sys.argv[1])
with ThreadPoolExecutor() as threads:
    ended = [threads.submit(cut_clip, source, *clip) for clip in clips]
failed = [end.exception() for end in ended if end.exception()]
for failure in failed:
    print(failure, file=sys.stderr)
sys.exit(len(failed))
"""
_RUST = """
mod cut;
use std::path::Path;
fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let ended: Vec<bool> = std::thread::scope(|scope| {
        let input = &words[0];
        let threads: Vec<_> = words[1..].chunks(3).map(|clip| scope.spawn(move || {
            let (start_s, duration_s) = (clip[0].parse().unwrap(), clip[1].parse().unwrap());
            match cut::cut_clip(Path::new(input), start_s, duration_s, Path::new(&clip[2])) {
                Ok(()) => true,
                Err(error) => { eprintln!("{error}"); false }
            }
        })).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    std::process::exit(if ended.into_iter().all(|ok| ok) { 0 } else { 1 });
}
"""

Clip = tuple[float, float, str]


@dataclass(frozen=True)
class Exported:
    """An exported programme in a folder of its own, with an `ffmpeg` on the PATH beside it."""

    form: str
    folder: Path
    argv: Callable[[str, Sequence[Clip]], list[str]]
    env: dict[str, str]

    def run(self, upload: str, clips: Sequence[Clip]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(upload, clips),
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def cut(self, upload: str, clips: Sequence[Clip]) -> list[Path]:
        done = self.run(upload, clips)
        assert done.returncode == 0, done.stderr
        return [self.folder / output for _, _, output in clips]


Export = Callable[..., Exported]


@pytest.fixture(scope="session")
def fluent_ffmpeg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with fluent-ffmpeg installed by npm."""
    if not (shutil.which("node") and shutil.which("npm")):
        requirements.missing("node", "there is no Node.js with npm here")
    folder = tmp_path_factory.mktemp("node")
    argv = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), "fluent-ffmpeg@2"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        requirements.missing("node", f"npm could not install fluent-ffmpeg: {done.stderr[-300:]}")
    return folder / "node_modules"


@pytest.fixture
def export(request: pytest.FixtureRequest, tmp_path: Path, build: FfmpegBuild) -> Export:
    """`export(form, settings, ffmpeg, command)`: through the command line, from a clipkit.toml."""

    def exported(
        form: str,
        settings: Settings = SETTINGS,
        ffmpeg: str = build.path,
        command: str | None = None,
    ) -> Exported:
        config, folder, bin_dir = tmp_path / "clipkit.toml", tmp_path / form, tmp_path / "bin"
        config.write_text(config_toml(settings, (), command, MEASURED), "utf-8")
        folder.mkdir()
        bin_dir.mkdir(exist_ok=True)
        (bin_dir / "ffmpeg").symlink_to(ffmpeg)
        words = ["export", "--as", form, "--config", str(config)]
        text = subprocess.run(
            [sys.executable, "-m", "clipkit", *words], capture_output=True, text=True, check=True
        ).stdout
        env = {**os.environ, "PATH": f"{bin_dir}:{os.environ['PATH']}"}
        env["FFMPEG_PATH"] = str(bin_dir / "ffmpeg")
        return Exported(form, folder, _PREPARE[form](request, folder, text), env)

    return exported


def _shell(
    _request: pytest.FixtureRequest, folder: Path, text: str
) -> Callable[[str, Sequence[Clip]], list[str]]:
    (folder / "cut.sh").write_text(text, "utf-8")
    return lambda upload, clips: ["sh", "cut.sh", upload, *_flat(clips)]


def _python(
    _request: pytest.FixtureRequest, folder: Path, text: str
) -> Callable[[str, Sequence[Clip]], list[str]]:
    (folder / "cut.py").write_text(text, "utf-8")
    (folder / "main.py").write_text(_PYTHON, "utf-8")
    return lambda upload, clips: [sys.executable, "main.py", json.dumps([upload, clips])]


def _node(
    _request: pytest.FixtureRequest, folder: Path, text: str
) -> Callable[[str, Sequence[Clip]], list[str]]:
    if not shutil.which("node"):
        requirements.missing("node", "there is no Node.js here")
    return _in_node(folder, text)


def _fluent(
    request: pytest.FixtureRequest, folder: Path, text: str
) -> Callable[[str, Sequence[Clip]], list[str]]:
    (folder / "node_modules").symlink_to(request.getfixturevalue("fluent_ffmpeg"))
    return _in_node(folder, text)


def _in_node(folder: Path, text: str) -> Callable[[str, Sequence[Clip]], list[str]]:
    (folder / "cut.js").write_text(text, "utf-8")
    (folder / "main.js").write_text(_NODE, "utf-8")
    return lambda upload, clips: ["node", "main.js", json.dumps([upload, clips])]


def _rust(
    _request: pytest.FixtureRequest, folder: Path, text: str
) -> Callable[[str, Sequence[Clip]], list[str]]:
    if not shutil.which("rustc"):
        requirements.missing("rust", "there is no rustc here")
    (folder / "cut.rs").write_text(text, "utf-8")
    (folder / "main.rs").write_text(_RUST, "utf-8")
    argv = ["rustc", "--edition", "2021", "-D", "warnings", "-o", "main", "main.rs"]
    done = subprocess.run(
        argv, cwd=folder, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    return lambda upload, clips: ["./main", upload, *_flat(clips)]


_PREPARE = {
    "shell": _shell,
    "node": _node,
    "fluent-ffmpeg": _fluent,
    "python": _python,
    "rust": _rust,
}


def _flat(clips: Sequence[Clip]) -> list[str]:
    return [str(word) for clip in clips for word in clip]


def _frames_s(path: Path) -> list[float]:
    """When each picture is shown; all of them decode."""
    with av.open(f"file:{path}") as clip:
        return [frame.time or 0.0 for frame in clip.decode(clip.streams.video[0])]


def _size(path: Path) -> tuple[int, int]:
    with av.open(f"file:{path}") as clip:
        return clip.streams.video[0].width, clip.streams.video[0].height


def _sound(path: Path) -> tuple[str | None, float, float]:
    """Codec, first and last time of the sound in the file, what an edit list hides included."""
    with av.open(f"file:{path}") as clip:
        if not clip.streams.audio:
            return None, 0.0, 0.0
        track = clip.streams.audio[0]
        times = [
            float(p.pts * track.time_base)
            for p in clip.demux(track)
            if p.pts is not None and p.size
        ]
        return track.codec_context.name, times[0], times[-1]


def _said_by_x264(path: Path) -> dict[str, str]:
    """The settings that x264 wrote into the stream (its SEI of unregistered user data)."""
    found = re.search(rb"x264 - core [^\0]*options: ([^\0]*)", path.read_bytes())
    assert found, "no account of x264's in the stream"
    return dict(re.findall(r"(\w+)=(\S+)", found[1].decode()))


def _assert_cut(clips: Sequence[Path]) -> None:
    for path, (_, duration_s, _) in zip(clips, CLIPS, strict=True):
        times_s = _frames_s(path)
        assert times_s[0] <= 2 * FRAME_S
        assert times_s[-1] - times_s[0] + FRAME_S == pytest.approx(duration_s, abs=2.01 * FRAME_S)
        assert _said_by_x264(path).items() >= SAID_BY_X264.items()
        assert _size(path) == SIZE
        codec, first_s, last_s = _sound(path)
        assert codec == "aac"
        assert first_s > -0.05
        assert last_s <= duration_s


@pytest.mark.parametrize("form", FORMS)
def test_it_cuts_hostile_names_with_the_recommended_settings(
    export: Export, small: Path, each_build: FfmpegBuild, form: str
):
    programme = export(form, ffmpeg=each_build.path)
    shutil.copy(small, programme.folder / HOSTILE_UPLOAD)
    _assert_cut(programme.cut(HOSTILE_UPLOAD, CLIPS))
    assert not list(programme.folder.glob("*part*"))
    assert not (programme.folder / "pwned").exists()


@pytest.mark.parametrize("form", FORMS)
def test_no_more_clips_run_at_once_than_recommended(
    export: Export, small: Path, tmp_path: Path, build: FfmpegBuild, form: str
):
    """The real ffmpeg, through a script that counts how many of its kind are running."""
    (tmp_path / "running").mkdir()
    spy = tmp_path / "spy"
    spy.write_text(
        f"""#!/bin/sh
        case "$*" in *libx264*) ;; *) exec '{build.path}' "$@" ;; esac
        mkdir '{tmp_path}/running/'$$
        sleep 0.3
        ls '{tmp_path}/running' | wc -l >>'{tmp_path}/counts'
        sleep 0.3
        '{build.path}' "$@"
        code=$?
        rmdir '{tmp_path}/running/'$$
        exit $code
        """,
        "utf-8",
    )
    spy.chmod(0o755)
    clips = [(0.2 * index, 0.4, f"{index}.mp4") for index in range(5)]
    programme = export(form, ffmpeg=str(spy))
    for path in programme.cut(str(small), clips):
        assert _frames_s(path)
    counts = [int(line) for line in (tmp_path / "counts").read_text().split()]
    assert len(counts) == len(clips)
    assert max(counts) == SETTINGS.concurrency


@pytest.mark.parametrize("form", FORMS)
def test_aac_is_copied_other_sound_encoded_and_none_needed(
    export: Export, make: Callable[..., Path], small: Path, form: str
):
    programme = export(form)
    mp3 = make("mp3.mp4", "-c", "copy", "-c:a", "libmp3lame", source=("-i", small))
    silent = make("silent.mp4", "-c", "copy", "-an", source=("-i", small))
    (copied,) = programme.cut(str(small), [(1.5, 1.0, "aac.mp4")])
    (encoded,) = programme.cut(str(mp3), [(1.5, 1.0, "mp3.mp4")])
    (mute,) = programme.cut(str(silent), [(1.5, 1.0, "silent.mp4")])
    assert _packets(copied) <= _packets(small)
    assert _sound(encoded)[0] == "aac"
    assert _sound(mute)[0] is None
    assert _frames_s(mute)


@pytest.mark.parametrize("form", FORMS)
def test_sound_is_kept_whatever_it_is_where_the_settings_copy_it(
    export: Export, make: Callable[..., Path], small: Path, form: str
):
    mp3 = make("mp3.mp4", "-c", "copy", "-c:a", "libmp3lame", source=("-i", small))
    (clip,) = export(form, Settings(audio="copy")).cut(str(mp3), [(1.5, 1.0, "clip.mp4")])
    assert _packets(clip) <= _packets(mp3)
    assert _sound(clip)[1] > -0.05


def _packets(path: Path) -> set[bytes]:
    with av.open(str(path)) as film:
        return {bytes(packet) for packet in film.demux(film.streams.audio[0]) if packet.size}


@pytest.mark.parametrize("form", FORMS)
def test_a_failure_is_told_and_leaves_no_file(export: Export, form: str):
    programme = export(form)
    (programme.folder / "broken.mp4").write_bytes(b"no film at all")
    done = programme.run("broken.mp4", [(0.0, 1.0, "clip.mp4")])
    assert done.returncode != 0
    assert "broken.mp4" in done.stderr
    assert not list(programme.folder.glob("*clip.mp4*"))


@pytest.mark.parametrize("form", FORMS)
def test_a_failure_does_not_block_the_clips_after_it(export: Export, small: Path, form: str):
    """Each that fails gives its place back."""
    programme = export(form)
    lost = "no such folder/clip.mp4"
    clips = [(0.0, 0.4, lost)] * 3 + [(index * 0.4, 0.4, f"{index}.mp4") for index in range(3)]
    programme.run(str(small), clips)
    assert all(_frames_s(programme.folder / f"{index}.mp4") for index in range(3))


@pytest.mark.parametrize("form", FORMS)
def test_without_sound_and_with_the_seek_after_the_input_it_runs_too(
    export: Export, small: Path, form: str
):
    programme = export(form, Settings(seek="output", audio="none", encoder_threads=0))
    (clip,) = programme.cut(str(small), [(1.52, 1.0, "clip.mp4")])
    assert len(_frames_s(clip)) == pytest.approx(25, abs=2)
    assert _sound(clip)[0] is None


@pytest.mark.parametrize("form", FORMS)
def test_ten_bit_pictures_come_out_as_browsers_play_them(
    export: Export, make: Callable[..., Path], small: Path, form: str
):
    deep = make("deep.mp4", "-pix_fmt", "yuv420p10le", source=("-i", small))
    (clip,) = export(form).cut(str(deep), [(1.0, 0.4, "clip.mp4")])
    with av.open(str(clip)) as film:
        assert film.streams.video[0].codec_context.pix_fmt == "yuv420p"


def test_wrong_use_of_the_shell_script_is_told(export: Export):
    programme = export("shell")
    done = programme.run("film.mp4", [(0.0, 1.0, "a.mp4")] * 0)
    assert done.returncode == 2
    assert "usage:" in done.stderr


def test_an_unknown_form_is_refused():
    done = subprocess.run(
        [sys.executable, "-m", "clipkit", "export", "--as", "cobol", "--config", os.devnull],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stdout == ""


@dataclass(frozen=True)
class Spy:
    """The real ffmpeg, through a script that keeps the words of every clip, each ended by a NUL."""

    script: Path
    kept: Path

    def words(self) -> list[list[str]]:
        found = [path.read_bytes().decode().split("\0")[:-1] for path in self.kept.iterdir()]
        return sorted(words for words in found if "veryfast" in words)


@pytest.fixture
def spy(tmp_path: Path, build: FfmpegBuild) -> Spy:
    kept, script = tmp_path / "kept", tmp_path / "spy"
    kept.mkdir()
    script.write_text(
        f"#!/bin/sh\nprintf '%s\\0' \"$@\" >'{kept}/'$$\nexec '{build.path}' \"$@\"\n", "utf-8"
    )
    script.chmod(0o755)
    return Spy(script, kept)


@pytest.mark.parametrize("form", FORMS)
def test_a_command_of_ones_own_runs_word_for_word_but_for_the_change(
    export: Export, small: Path, spy: Spy, form: str
):
    programme = export(form, CHANGED, str(spy.script), OWN)
    shutil.copy(small, programme.folder / HOSTILE_UPLOAD)
    clips = programme.cut(HOSTILE_UPLOAD, CLIPS)
    for path, (_, duration_s, _) in zip(clips, CLIPS, strict=True):
        assert len(_frames_s(path)) == pytest.approx(duration_s * 25, abs=2)
        said = {"threads": "1", "ref": "2", "crf": "28.0", "subme": "2"}
        assert _said_by_x264(path).items() >= said.items()
        assert _sound(path)[0] == "aac"
    assert not list(programme.folder.glob("*part*"))
    assert not (programme.folder / "pwned").exists()
    assert len(spy.words()) == len(CLIPS)
    for words, (start_s, duration_s, _) in zip(spy.words(), CLIPS, strict=True):
        assert [_as_seconds(word) for word in words if "/" not in word] == [
            *(["-nostdin"] if form == "fluent-ffmpeg" else []),
            *("-y", "-ss", f"{start_s:.6f}", "-threads", "1", *GUARD, "-i"),
            *(["-y"] if form == "fluent-ffmpeg" else []),
            *("-t", f"{duration_s:.6f}", "-c:v", "libx264", "-preset", "veryfast", "-crf", "28"),
            *("-vf", "scale=80:-2,format=yuv420p", "-metadata", TITLE, "-c:a", "aac"),
            *("-threads", "1", "-refs", "2"),
        ]


def _as_seconds(word: str) -> str:
    """The shell passes on what was typed, the others six digits."""
    return f"{float(word):.6f}" if re.fullmatch(r"\d+\.\d+", word) else word


@pytest.mark.parametrize("form", [form for form in FORMS if form != "fluent-ffmpeg"])
def test_a_command_behind_a_wrapper_runs_behind_it(export: Export, small: Path, form: str):
    programme = export(form, Settings(), command=f"nice -n 1 {OWN}")
    (clip,) = programme.cut(str(small), [(1.0, 0.4, "clip.mp4")])
    assert len(_frames_s(clip)) == pytest.approx(10, abs=1)


@pytest.mark.parametrize("command", [None, OWN], ids=["settings", "command"])
@pytest.mark.parametrize("form", FORMS)
def test_a_clip_beyond_the_films_end_is_refused_and_the_others_are_cut(
    export: Export, small: Path, form: str, command: str | None
):
    programme = export(form, command=command)
    beyond = [(4.5, 1.0, "after.mp4"), (3.5, 1.0, "over.mp4"), (-1.0, 1.0, "before.mp4")]
    inside = [(3.0, 1.0, "last.mp4"), (0.0, 0.4, "first.mp4")]
    done = programme.run(str(small), [*beyond, *inside])
    assert done.returncode != 0
    assert done.stderr.count(f"is not inside {small}, which lasts 4") == len(beyond)
    assert {path.name for path in programme.folder.glob("*.mp4")} == {"last.mp4", "first.mp4"}
    assert len(_frames_s(programme.folder / "last.mp4")) == pytest.approx(25, abs=1)


@pytest.mark.parametrize("form", FORMS)
def test_of_a_film_that_does_not_tell_its_length_the_end_is_found(
    export: Export, make: Callable[..., Path], small: Path, form: str
):
    """As a browser's recorder writes it."""
    recorded = make("live.mkv", "-c", "copy", "-live", "1", source=("-i", small))
    programme = export(form)
    (clip,) = programme.cut(str(recorded), [(2.0, 1.0, "clip.mp4")])
    assert _frames_s(clip)
    done = programme.run(str(recorded), [(4.5, 1.0, "after.mp4")])
    assert done.returncode != 0
    assert "is not inside" in done.stderr


_WAITING = {
    "node": """
const { cutClip } = require('./cut.js');
const fs = require('node:fs');
fs.promises.stat('.').then(async () => { // the pool of threads stands
  console.log('here');
  fs.readSync(0, Buffer.alloc(1));
  await cutClip(...JSON.parse(process.argv[2]));
});
""",
    "python": """
import json, sys
from cut import cut_clip
print("here", flush=True)
sys.stdin.readline()
cut_clip(*json.loads(sys.argv[1]))
""",
    "rust": """
mod cut;
use std::path::Path;
fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    println!("here");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let (start_s, duration_s) = (words[1].parse().unwrap(), words[2].parse().unwrap());
    cut::cut_clip(Path::new(&words[0]), start_s, duration_s, Path::new(&words[3])).unwrap();
}
""",
    # Just before ffmpeg is started: `rm` is what the script calls last.
    "shell": f"""#!/bin/sh
echo here
read line <"$GO"
exec {shutil.which("rm")} "$@"
""",
}
"""Programmes that say where they are, and go on once they are told to."""


@contextmanager
def _waiting(
    programme: Exported, upload: Path, ceiling: Ceiling
) -> Iterator[subprocess.Popen[str]]:
    """The programme before it starts ffmpeg; a line on its stdin lets it go on."""
    language = "node" if programme.form == "fluent-ffmpeg" else programme.form
    clip = (0.5, 1.0, "clip.mp4")
    env, folder = dict(programme.env), programme.folder
    if language == "shell":
        shim = folder / "shim" / "rm"
        shim.parent.mkdir()
        shim.write_text(_WAITING[language])
        shim.chmod(0o755)
        env |= {"PATH": f"{shim.parent}:{env['PATH']}", "GO": "/proc/self/fd/3"}
        argv = ["sh", "-c", 'exec 3<&0; exec sh cut.sh "$@"', "sh", str(upload), *_flat([clip])]
    elif language == "rust":
        (folder / "main.rs").write_text(_WAITING[language])
        subprocess.run(
            ["rustc", "--edition", "2021", "-o", "main", "main.rs"],
            cwd=folder,
            check=True,
            timeout=180,
        )
        argv = ["./main", str(upload), *_flat([clip])]
    else:
        main = {"node": "waits.js", "python": "waits.py"}[language]
        (folder / main).write_text(_WAITING[language])
        argv = [
            {"node": "node", "python": sys.executable}[language],
            main,
            json.dumps([str(upload), *clip]),
        ]
    with subprocess.Popen(
        ceiling.wrap(argv),
        cwd=folder,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout and process.stdout.readline() == "here\n", process.stderr
        yield process


@pytest.mark.parametrize("form", FORMS)
def test_where_no_process_can_be_started_the_clip_waits(
    export: Export, small: Path, form: str
) -> None:
    programme = export(form)
    with open_ceiling(Limits(None, None)) as ceiling:
        if ceiling.enforced.pids is None:
            requirements.missing("ceiling", "nothing here counts processes")
        with _waiting(programme, small, ceiling) as process:
            folder = _pids_folder(process.pid)
            there = int((folder / "pids.current").read_text())
            most = there - 1 if form == "shell" else there  # `rm` ends first
            (folder / "pids.max").write_text(str(most))
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
            time.sleep(2.5)
            assert process.poll() is None, process.communicate()
            assert not (programme.folder / "clip.mp4").exists()
            (folder / "pids.max").write_text("max")
            _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert _frames_s(programme.folder / "clip.mp4")


def _pids_folder(pid: int) -> Path:
    """Of the group of ours that the process is in."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        if names == "pids" or (not names and Path(f"/sys/fs/cgroup{path}/pids.max").exists()):
            return Path("/sys/fs/cgroup", names, path.lstrip("/"))
    raise AssertionError("it is in no group that counts processes")
