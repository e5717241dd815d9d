"""Names of files come from strangers: as text they are one line that harms nobody who prints it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from inventing_uploads import upload

from clipkit import format as fmt
from clipkit.settings import Settings
from clipkit.tuning.config import config_toml

SHOWN = {
    "plain.mp4": "plain.mp4",
    "影片 🎬 é'\"$`<b>|*%03d.mp4": "影片 🎬 é'\"$`<b>|*%03d.mp4",
    os.fsdecode(b"caf\xe9 \xff.mp4"): "caf\\xe9 \\xff.mp4",
    "two\nlines\r.mp4": "two\\nlines\\r.mp4",
    "\x1b[31mred\x07\x9b.mp4": "\\x1b[31mred\\x07\\x9b.mp4",
    "\u202e4pm.rtl\u2069\u200f.mp4": "\\u202e4pm.rtl\\u2069\\u200f.mp4",
    "a\u2028b\u0085c": "a\\u2028b\\x85c",
    "\ud800": "\\ud800",
    "👨\u200d👩": "👨\u200d👩",
}


@pytest.mark.parametrize(("name", "text"), SHOWN.items(), ids=map(ascii, SHOWN))
def test_what_is_odd_is_escaped_and_the_rest_left_alone(name: str, text: str) -> None:
    assert fmt.on_one_line(name) == text
    assert len(text.splitlines()) == 1
    assert fmt.on_one_line(text) == text
    text.encode("utf-8")


def test_only_bytes_that_are_no_text_are_not() -> None:
    assert fmt.is_text("two\nlines \x1b 🎬")
    assert not fmt.is_text(os.fsdecode(b"caf\xe9"))


def test_an_upload_is_called_by_a_name_that_can_be_printed() -> None:
    odd = upload(path=Path("/x", os.fsdecode(b"\xe9\n\x1b[2J.mp4")))
    assert odd.name == "\\xe9\\n\\x1b[2J.mp4"
    assert odd.name in repr(odd)
    assert "\x1b" not in odd._repr_html_()


def test_no_name_gets_out_of_a_comment_in_a_config() -> None:
    text = config_toml(Settings(), ["cut x\nffmpeg = '/tmp/evil'\r\u2028.mp4"])
    assert text.splitlines()[0] == "# cut x\\nffmpeg = '/tmp/evil'\\r\\u2028.mp4"
