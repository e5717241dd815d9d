"""What a page that is sent does not tell."""

from __future__ import annotations

import pytest

from clipkit.masked import escaped, without_folders, without_secrets

TOLD_TO_NOBODY = "s3cr3tV4lue"


@pytest.mark.parametrize(
    "text",
    [
        "ffmpeg --token {} -i a.mp4",
        "ffmpeg --token={} -i a.mp4",
        "cut --api-key '{} with more' a.mp4",
        'cut --db_password "{}" a.mp4',
        "ffmpeg -headers 'Authorization: Bearer {}' -i a.mp4",
        'ffmpeg -headers "Cookie: session={}; other={}" -i a.mp4',
        "ffmpeg -headers $'X-Api-Key: {}\\r\\n' -i a.mp4",
        "ffmpeg -decryption_key {} -i a.mp4",
        "curl -H 'Authorization: Basic {}' x",
        "ffmpeg -i https://user:{}@host.example/a.mp4",
        "ffmpeg -i https://{}@host.example/a.mp4",
        "ffmpeg -i 'https://host.example/a.mp4?X-Amz-Signature={}&b=c'",
        "ffmpeg -i 'a.m3u8?sig={}'",
        "ffmpeg -http_proxy http://me:{}@proxy:8080 -i a.mp4",
        "AWS_SECRET_ACCESS_KEY={} ffmpeg -i a.mp4",
        "env TOKEN={} ffmpeg",
        "docker run -e DB_PASSWORD={} x",
        "error: got {{'apiKey': '{}'}}",
        'error: got {{"access_token": "{}"}}',
        "the server said: Authorization: Token {}",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    told = without_secrets(text.format(TOLD_TO_NOBODY, TOLD_TO_NOBODY))
    assert TOLD_TO_NOBODY not in told
    assert "***" in told


@pytest.mark.parametrize(
    "shaped",
    [
        "AKIAABCDEFGHIJKLMNOP",
        "ghp_" + "a1" * 18,
        "sk-" + "a1" * 20,
        "xoxb-123456789-abcdefghij",
        "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeKKF2QT4",
    ],
)
def test_what_is_known_by_its_shape_is_masked_wherever_it_stands(shaped: str) -> None:
    assert without_secrets(f"failed with {shaped}!") == "failed with ***!"


@pytest.mark.parametrize(
    "text",
    [
        "ffmpeg -force_key_frames 'expr:gte(t,n_forced*2)' -g 250 -keyint_min 25 -x264-params keyint=250",
        "ffmpeg -ss 1.5 -i film.mp4 -t 12 -c:v libx264 -preset veryfast -threads 1 -c:a copy clip.mp4",
        "scale=-2:720,format=yuv420p",
        "preset = 'ultrafast', concurrency = 2, 1/2 of 24000/1001 fps and/or 3:2",
        "https://render.example/pricing#disks",
        "authentication is no option; the key frame of the signature tune",
    ],
)
def test_what_is_none_is_left_as_it_is(text: str) -> None:
    assert without_secrets(text) == text
    assert without_folders(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/opt/ff/ffmpeg -i /srv/films/a.mp4 /tmp/x/out.mp4", "ffmpeg -i a.mp4 out.mp4"),
        ("-i '/srv/my films/a b.mp4' -y", "-i 'a b.mp4' -y"),
        ("-i file:/srv/films/a.mp4", "-i file:a.mp4"),
        ("subtitles=/srv/a/b.srt:force_style=x", "subtitles=b.srt:force_style=x"),
        ("~/films/a.mp4: no such file", "a.mp4: no such file"),
        ("`/home/ann/results`", "`results`"),
        ("cannot open '/a/<b>`c.mp4'", "cannot open '<b>`c.mp4'"),
        (
            "/dev/null /proc/self/fd/3 /sys/fs/cgroup/x",
            "/dev/null /proc/self/fd/3 /sys/fs/cgroup/x",
        ),
    ],
)
def test_of_an_absolute_path_its_last_name_is_shown(text: str, shown: str) -> None:
    assert without_folders(text) == shown


def test_a_page_shows_letters_and_nothing_else() -> None:
    evil = "<script>\x1b[31m\u202e\x00\ud800"
    assert escaped(evil) == "&lt;script&gt;\ufffd[31m\ufffd\ufffd?"


def test_a_long_text_is_masked_in_the_time_of_one_look() -> None:
    """No rule may try again and again what does not fit."""
    for text in (
        "a-" * 50_000,
        "--" * 50_000,
        "/" * 100_000,
        "'/a" * 30_000,
        "key=" * 30_000,
        "x:" * 50_000,
        "x-" * 50_000,
        "a.b" * 40_000,
    ):
        escaped(text)
