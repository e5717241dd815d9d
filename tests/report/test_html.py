import html as escaping
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import invented
import inventing_sweep
import pytest

from clipkit.errors import CampaignError
from clipkit.report.exhibits.prose import prose, said_once
from clipkit.report.pages.page import shown_once, with_contents
from clipkit.report.pages.report import write_report

NEEDS_NETWORK = re.compile(r"url\(|@import|//cdn|https?://(?!www\.w3\.org)")


class Page(HTMLParser):
    """Every attribute that makes a browser fetch, every tag, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [v or "" for k, v in attrs if k in ("src", "srcset", "data", "poster")]
        if tag == "link":
            self.fetched.append("link")

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="session")
def page(reported: Path) -> Page:
    return Page((reported / "report.html").read_text("utf-8"))


def test_the_page_needs_nothing_but_itself(page: Page, reported: Path):
    assert page.fetched
    assert [source for source in page.fetched if not source.startswith("data:image/")] == []
    text = (reported / "report.html").read_text("utf-8").replace(escaping.escape(HOSTILE), "")
    assert NEEDS_NETWORK.findall(text) == []
    assert "default-src 'none'" in text


HOSTILE = invented.HOSTILE


def test_the_name_of_an_upload_cannot_inject_anything(page: Page):
    assert HOSTILE in page.text
    assert page.tags.count("script") == 1
    assert not [source for source in page.fetched if "evil" in source]


def test_the_first_screen_holds_verdict_pictures_change_and_limits(reported: Path):
    text = (reported / "report.html").read_text("utf-8")
    first = text[text.index('<header class="first">') : text.index("</header>")]
    assert first.count("<img ") == 2
    for words in ("takes 85.7 s for all 12 clips", "-ss START", "concurrency = 2", "Not measured"):
        assert words in first


def test_below_are_the_notebooks_sections_without_its_code(page: Page):
    for words in (
        "The settings tried: time against memory",
        "Where the CPU goes",
        "Every repeat",
        "The optimum for this host",
        "Every trial",
        "What it was measured on",
        "2 of 12 clips run, all 12 estimated",
    ):
        assert words in page.text
    assert "checked_parameters" not in page.text
    assert page.tags.count("img") == 5
    assert page.tags.count("h1") == 1


def test_the_notebook_and_the_pictures_are_kept_beside_the_page(reported: Path):
    assert (reported / "notebooks" / "1-measure.ipynb").is_file()
    assert (reported / "figures" / "1-measure" / "bars.png").is_file()
    assert [path.name for path in reported.rglob("*.part")] == []


def test_a_folder_that_is_no_campaign_has_no_report(tmp_path: Path):
    with pytest.raises(CampaignError, match=r"is no campaign: it has no runs\.jsonl"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unfinished sweep's folder with its report, of films with a hostile name."""
    folder = tmp_path_factory.mktemp("sweeps") / "sweep"
    hostile = inventing_sweep.Film(name=HOSTILE.replace("/", "_"))
    inventing_sweep.write(folder, inventing_sweep.Sweep(films=(hostile,)))
    standing = dict.fromkeys(("pid", "ok", "oom", "inferred", "failed", "elapsed_s"), 0)
    words = dict.fromkeys(("eta_s", "now", "clip", "best", "best_s_per_clip", "error"))
    known = {"campaign": "sweep", "state": "cancelled", "total": 400, "done": 324}
    document = {**standing, **words, **known, "updated_utc": "2025-01-02T03:04:05+00:00"}
    (folder / "progress.json").write_text(json.dumps(document), "utf-8")
    write_report(folder)
    return folder


def test_a_sweeps_page_needs_nothing_but_itself(swept: Path):
    text = (swept / "report.html").read_text("utf-8")
    page = Page(text)
    assert [source for source in page.fetched if not source.startswith("data:image/")] == []
    assert NEEDS_NETWORK.findall(text) == []
    assert "default-src 'none'" in text
    assert "widget" not in text
    assert page.tags.count("script") == 1
    assert HOSTILE.replace("/", "_") in page.text


def test_the_first_screen_of_a_sweep_tells_the_best_for_each_ceiling(swept: Path):
    text = (swept / "report.html").read_text("utf-8")
    first = text[text.index('<header class="first">') : text.index("</header>")]
    assert first.count("<img ") == 1
    verdict = Page(first).text
    for words in (
        "unfinished: 324 of 400 trials",
        "On 256 MB or 512 MB and 2 CPU, 2 clips at once with 2 encoder threads each (ultrafast)",
        "times as fast as clipkit's defaults",
        "★ Recommended for each host and job",
        "Invented CPU, 2 cores",
        "order drawn with seed",
        "210 finished, 8 ran out of memory",
        "Not measured",
    ):
        assert words in verdict


def test_below_are_the_notebooks_with_long_tables_closed(swept: Path):
    text = (swept / "report.html").read_text("utf-8")
    for words in ("What did the campaign find?", "Which settings are the best for a host?"):
        assert words in text
    assert "Which of the claims hold?" not in text
    assert "run all cells" not in text
    assert "<summary>Table of 108 rows</summary>" in text
    assert sorted(path.name for path in (swept / "notebooks").iterdir()) == [
        "2-explore.ipynb",
        "3-optimum.ipynb",
    ]


def test_the_quick_wins_have_their_verdicts_on_the_page(tmp_path: Path):
    sweep = inventing_sweep.Sweep(name="quick-wins", blocks=2)
    folder = inventing_sweep.write(tmp_path / "mine", sweep)
    text = write_report(folder).read_text("utf-8")
    assert "Of 13 claims" in text
    assert "three clips at once instead of one are a quick win, if memory allows" in text
    assert "Which of the claims hold?" in text


@pytest.mark.parametrize("written", ["reported", "swept"])
def test_the_contents_lead_to_every_heading(written: str, request: pytest.FixtureRequest):
    text = (request.getfixturevalue(written) / "report.html").read_text("utf-8")
    contents = text[text.index('<nav class="contents"') : text.index("</nav>")]
    leads_to = re.findall(r'href="#([^"]+)"', contents)
    assert len(leads_to) >= 5
    body = text[text.index("<main>") :]
    assert leads_to == re.findall(r'<h[12] id="([^"]+)"', body)


@pytest.mark.parametrize("written", ["reported", "swept"])
def test_no_picture_and_no_table_is_shown_twice(written: str, request: pytest.FixtureRequest):
    text = (request.getfixturevalue(written) / "report.html").read_text("utf-8")
    pictures = re.findall(r'<img [^>]*src="([^"]+)"', text)
    tables = re.findall(r"<table.*?</table>", text, re.DOTALL)
    assert pictures
    assert tables
    assert len(set(pictures)) == len(pictures)
    assert len(set(tables)) == len(tables)


def test_what_is_shown_again_is_said_to_be_further_up():
    table = '<div class="clipkit-table"><table><tr><td>1</td></tr></table></div>'
    picture = '<picture><img src="data:,a" data-finding="2 are fastest"></picture>'
    body = f"<h2>one</h2>{table}<h2>two</h2>{table}{picture}"
    once = shown_once(body, ["data:,a"])
    assert once.count("<table>") == 1
    assert "<picture>" not in once
    assert once.count("further up") == 2
    _, contents = with_contents(once)
    assert [(entry.title, entry.finding) for entry in contents] == [
        ("one", ""),
        ("two", "2 are fastest"),
    ]


def test_a_sweep_of_which_nothing_finished_can_be_reported_on(tmp_path: Path):
    folder = inventing_sweep.write(tmp_path / "sweep", rows=[])
    assert "No settings can be recommended" in write_report(folder).read_text("utf-8")


def test_sentences_that_differ_in_a_figure_are_said_once_with_the_largest():
    lines = ["it flatters by 0.9 %", "2 cells failed", "it flatters by 2.1 %", "3 cells failed",
             "it flatters by less than 0.5 %"]  # fmt: skip
    assert said_once(lines) == ["it flatters by 2.1 %", "2 cells failed", "3 cells failed"]


def test_prose_escapes_and_marks_code():
    assert prose("put `-ss <S>` first & last") == (
        "put <code>-ss &lt;S&gt;</code> first &amp; last"
    )
