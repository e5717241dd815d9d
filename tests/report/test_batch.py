import html
import json
import signal
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from running import clipkit, finish, processes_with, start, until
from stored_campaigns import RESULTS

from clipkit import format as fmt
from clipkit import recommend
from clipkit.errors import NotebookError
from clipkit.records.campaign import open_campaign
from clipkit.report.notebooks.told import best_in
from clipkit.report.pages import batch
from clipkit.report.pages.batch_pages import Ended

PICTURE = (
    "from IPython.display import HTML, display\n"
    'display(HTML(\'<p>before</p><img alt="a" src="data:image/svg+xml;base64,PHN2Zy8+">\'))'
)
WORK = "print(f'the word is {word}')\nassert word != 'bad', 'a bad word'"


def write_notebook(path: Path, work: str = WORK) -> Path:
    document = new_notebook(cells=[new_code_cell(source) for source in (PICTURE, work)])
    declared = new_code_cell("word: str = ''  # what to say", metadata={"tags": ["parameters"]})
    document.cells.insert(0, declared)
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    document.metadata.kernelspec = spec
    nbformat.write(document, path)
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_notebook(tmp_path / "say.ipynb")


def given(folder: Path, **words: str) -> list[Path]:
    """Files of parameters, one for each."""
    files = [folder / f"{name}.yaml" for name in words]
    for file, word in zip(files, words.values(), strict=True):
        file.write_text(f"word: {json.dumps(word)}\n", "utf-8")
    return files


def run(source: Path, files: list[Path], again: bool = False) -> tuple[batch.Batch, list[str]]:
    """The batch done, and what its watcher was told."""
    told: list[str] = []
    planned = batch.plan_batch(str(source), files, source.parent / "out")
    done = batch.run_batch(
        planned, lambda n, item: told.append(f"{n} {item.name} {item.ended}"), again
    )
    return done, told


def test_one_that_fails_is_kept_with_what_it_had_and_the_others_run(source: Path):
    done, told = run(source, given(source.parent, one="a", two="bad", three="<b>c"))
    assert [item.ended for item in done.items] == [Ended.OK, Ended.FAILED, Ended.OK]
    assert told[2:4] == ["1 two not run", "1 two failed"]
    kept = json.dumps(nbformat.read(done.folder / "two.ipynb", as_version=4))
    assert "the word is bad" in kept
    assert "AssertionError" in kept
    page = (done.folder / "two.html").read_text("utf-8")
    assert "the word is bad" in page
    assert "a bad word" in page
    assert done.items[1].error is not None
    assert "say failed in cell 3: AssertionError: a bad word" in done.items[1].error


def test_the_index_has_a_row_for_each_and_needs_nothing_else(source: Path):
    done, _ = run(source, given(source.parent, one="a", two="bad", three="<b>c"))
    index = done.index.read_text("utf-8")
    assert "3 sets of parameters: 2 ok, 1 failed" in index
    for name in ("one", "two", "three"):
        assert f'href="{name}.html"' in index
        assert f'href="{name}.ipynb"' in index
    assert index.count('src="data:image/svg+xml;base64,PHN2Zy8+"') == 3
    assert "word = &lt;b&gt;c" in index
    assert "http" not in index.replace("http-equiv", "")
    assert "default-src 'none'" in index


def test_the_index_says_what_each_page_found(tmp_path: Path):
    files = []
    for name, preset in (("fast", "ultrafast"), ("small", "superfast"), ("both", "superfast")):
        files.append(tmp_path / f"{name}.yaml")
        given = {"campaign": str(RESULTS / "reference-grid"), "preset": preset, "cpus": [2]}
        given["memory"] = ["512M"] if name != "both" else ["512M", "256M"]
        files[-1].write_text(json.dumps({**given, "out": str(tmp_path / name)}), "utf-8")
    done = batch.run_batch(batch.plan_batch("3-optimum", files, tmp_path / "out"), lambda *_: None)
    assert done.failed == 0
    index = done.index.read_text("utf-8")
    for column in ("best settings", "time of the job", "peak memory"):
        assert f"<th>{column}</th>" in index
    rows = {row.split('"')[0]: row for row in index.split('class="name" href="')[1:]}
    for name, preset in (("fast", "ultrafast"), ("small", "superfast")):
        best = recommend(RESULTS / "reference-grid", preset=preset, memory="512M", cpus=2)
        assert html.escape(best.how) in rows[f"{name}.html"]
        assert preset in rows[f"{name}.html"]
        assert f"<td>{fmt.seconds(best.best.wall.value)}</td>" in rows[f"{name}.html"]
        assert f"<td>{fmt.size(best.best.peak_anon_bytes)}</td>" in rows[f"{name}.html"]
    assert "(for each of 2 hosts and jobs)" in rows["both.html"]


def test_a_notebook_that_tells_nothing_has_no_result(source: Path):
    done, _ = run(source, given(source.parent, one="a"))
    index = done.index.read_text("utf-8")
    assert index.count("<td>–</td>") == 2
    assert index.count("<li>–</li>") == 1


@pytest.mark.parametrize(("name", "found"), [("reference-tune", 1), ("quick-wins", 6)])
def test_what_is_best_is_told_of_each_host_and_job(name: str, found: int):
    campaign = open_campaign(RESULTS / name)
    told = best_in(campaign)
    assert len(told) == len({each.where for each in told}) == found
    assert all(each.settings and each.wall_s and each.peak_anon_bytes for each in told)


def test_where_nothing_finished_nothing_is_best():
    grid = open_campaign(RESULTS / "reference-grid")
    assert best_in(grid.part(status="oom")) == ()


def test_a_second_run_skips_what_is_finished_and_unchanged(source: Path):
    run(source, given(source.parent, one="a", two="bad", three="c"))
    done, _ = run(source, given(source.parent, one="a", two="good", three="d"))
    assert [item.ended for item in done.items] == [Ended.SKIPPED, Ended.OK, Ended.OK]
    assert done.items[0].duration_s
    done, _ = run(source, given(source.parent, one="a", two="good"), again=True)
    assert [item.ended for item in done.items] == [Ended.OK, Ended.OK]
    write_notebook(source, "print('another', word)")
    done, _ = run(source, given(source.parent, one="a"))
    assert done.items[0].ended is Ended.OK


def test_a_campaign_that_has_grown_and_another_clipkit_are_not_what_was_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    source = write_notebook(tmp_path / "look.ipynb", "print(campaign)")
    document = nbformat.read(source, as_version=4)
    document.cells[0].source = "campaign: str = ''  # which"
    nbformat.write(document, source)
    records = tmp_path / "grid" / "runs.jsonl"
    records.parent.mkdir()
    records.write_text("{}\n", "utf-8")
    (tmp_path / "p.yaml").write_text(f"campaign: {records.parent}\n", "utf-8")

    def ended() -> Ended:
        return run(source, [tmp_path / "p.yaml"])[0].items[0].ended

    assert [ended(), ended()] == [Ended.OK, Ended.SKIPPED]
    records.write_text("{}\n{}\n", "utf-8")
    assert [ended(), ended()] == [Ended.OK, Ended.SKIPPED]
    monkeypatch.setattr(batch, "__version__", "0.0.0")
    assert ended() is Ended.OK


def test_the_notebook_itself_is_never_written_over(source: Path):
    before = source.read_bytes()
    (file,) = given(source.parent, say="a")
    (source.parent / "linked").symlink_to(source.parent)
    for folder in (source.parent, source.parent / "linked"):
        with pytest.raises(NotebookError, match=r"say\.yaml: .* would overwrite the notebook"):
            batch.plan_batch(str(source), [file], folder)
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wrod: a", r"p\.yaml: unknown parameter 'wrod': did you mean 'word'\?"),
        ("- word", "must hold lines such as"),
        ("word: [", "p.yaml cannot be read"),
    ],
)
def test_a_wrong_file_is_refused_before_anything_runs(source: Path, text: str, words: str):
    file = source.parent / "p.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(NotebookError, match=words):
        batch.plan_batch(str(source), [*given(source.parent, one="a"), file], None)


def test_two_files_of_one_name_are_refused(source: Path):
    (source.parent / "sub").mkdir()
    files = [*given(source.parent, one="a"), *given(source.parent / "sub", one="b")]
    with pytest.raises(NotebookError, match="another file is called 'one' too"):
        batch.plan_batch(str(source), files, None)


def test_the_command_ends_with_1_if_any_failed_and_says_which(source: Path):
    files = given(source.parent, one="a", two="bad")
    ran = clipkit("batch", source, *files, "--json", cwd=source.parent)
    assert ran.code == 1
    assert [entry["ended"] for entry in ran.json["runs"]] == ["ok", "failed"]
    assert Path(ran.json["index"]) == source.parent / "batch-say" / "index.html"
    assert "2 of 2  two" in ran.err
    assert "Traceback" not in ran.err
    assert clipkit("batch", source, files[1], "--json", cwd=source.parent).out == ""


def test_an_interrupt_keeps_what_is_there_and_leaves_no_kernel(source: Path):
    began = source.parent / "began"
    wait = f"import time; open({str(began)!r}, 'w').close() if word == 'b' else 0\n"
    write_notebook(source, f"print('so far'); {wait}time.sleep(60 * (word == 'b'))")
    files = given(source.parent, one="a", two="b", three="c")
    kernels = source.parent / "runtime"
    with start("batch", source, *files, cwd=source.parent, JUPYTER_RUNTIME_DIR=str(kernels)) as ran:
        until(began.exists)
        ran.send_signal(signal.SIGINT)
        ended = finish(ran)
    assert ended.code == 130, ended.err
    assert "interrupted after 1 of 3 notebooks" in ended.err.splitlines()[-1]
    index = (source.parent / "batch-say" / "index.html").read_text("utf-8")
    assert "3 sets of parameters: 1 ok, 1 interrupted, 1 not run" in index
    assert (source.parent / "batch-say" / "two.ipynb").is_file()
    until(lambda: not processes_with(str(kernels)))
