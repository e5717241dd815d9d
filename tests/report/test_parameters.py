from dataclasses import dataclass
from typing import ClassVar

import pytest

from clipkit.errors import NotebookError
from clipkit.report.notebooks.parameters import checked_parameters, several_numbers, several_words


@dataclass(frozen=True)
class Asked:
    NOTEBOOK: ClassVar[str] = "0-test"

    host: str
    cpus: float
    clips: int = 12


DECLARED = "host: str = 'a'\ncpus: float = 0.0"


def notebook(injected: str | None, **values: object) -> dict[str, object]:
    """A notebook's globals, as IPython has them at the checking cell."""
    executed = ["", DECLARED, *([f"# Parameters\n{injected}"] if injected else []), "checked(…)"]
    return {"host": "a", "cpus": 0.0, "clips": 12, "In": executed, **values}


def test_the_defaults_pass():
    assert checked_parameters(notebook(None), Asked) == Asked("a", 0.0)


def test_what_is_injected_is_what_is_asked():
    assert checked_parameters(notebook("cpus = 2.5", cpus=2.5), Asked) == Asked("a", 2.5)


def test_an_unknown_parameter_is_refused_with_the_nearest_known():
    with pytest.raises(NotebookError, match=r"unknown parameter 'cpu': did you mean 'cpus'\?"):
        checked_parameters(notebook("cpu = 2", cpu=2), Asked)


def test_names_that_the_notebook_itself_binds_are_no_parameters():
    assert (
        checked_parameters(notebook("cpus = 1.0", cpus=1.0, opened=object(), x=3), Asked).cpus
        == 1.0
    )


def test_a_misspelling_that_was_mended_is_forgotten():
    mended = notebook("cpu = 2")
    mended["In"] += ["# Parameters\ncpus = 2.0"]
    assert checked_parameters(mended | {"cpus": 2.0}, Asked).cpus == 2.0


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("cpus", "two", "a number"),
        ("cpus", True, "a number"),
        ("host", None, "text"),
        ("host", [None], "text"),
        ("host", {"a": 1}, "text"),
        ("cpus", [1, 2], "a number"),
        ("cpus", [], "a number"),
        ("clips", 1.5, "a whole number"),
        ("clips", "nan", "a whole number"),
        ("host", True, "text"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(name, value, words):
    with pytest.raises(NotebookError, match=f"the parameter {name} = .* must be {words}"):
        checked_parameters(notebook(f"{name} = {value!r}", **{name: value}), Asked)


def test_a_number_will_do_for_text_since_papermill_could_not_know_better():
    asked = checked_parameters(notebook("host = 0.5", host=0.5), Asked)
    assert asked.host == "0.5"


def test_a_whole_number_will_do_where_papermill_could_not_know_better():
    asked = checked_parameters(notebook("cpus = 2\nhost = 0", cpus=2, host=0), Asked)
    assert (asked.cpus, asked.host) == (2.0, "0")


def test_a_notebook_that_lacks_a_parameter_is_refused():
    with pytest.raises(NotebookError, match="lacks the parameter 'host'"):
        checked_parameters({"cpus": 1.0, "In": []}, Asked)


def test_outside_ipython_only_the_values_are_checked_parameters():
    given = {"host": "a", "cpus": 1.0, "clips": 1, "other": 2}
    assert checked_parameters(given, Asked).cpus == 1.0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["256M", "512M"], "256M, 512M"),
        ([0.5, 2], "0.5, 2"),
        (("a",), "a"),
        ([], ""),
        (512, "512"),
    ],
)
def test_a_list_of_a_yaml_file_is_text_that_names_them_all(value, text):
    asked = checked_parameters(notebook(f"host = {value!r}", host=value), Asked)
    assert asked.host == text
    assert several_words(asked.host) == [word for word in text.split(", ") if word]


@pytest.mark.parametrize(("value", "number"), [("2", 2.0), ("0.5", 0.5), ([2], 2.0), (2, 2.0)])
def test_a_number_may_come_as_text_or_alone_in_a_list(value, number):
    assert checked_parameters(notebook(f"cpus = {value!r}", cpus=value), Asked).cpus == number
    assert several_numbers("cpus", "0.5, 2") == [0.5, 2.0]
    assert checked_parameters(notebook("clips = 3.0", clips=3.0), Asked).clips == 3


def test_what_are_no_numbers_is_told_with_how_to_write_some():
    with pytest.raises(NotebookError, match=r"must be a number, or several such as '0.5, 2'"):
        several_numbers("cpus", "0.5; 2")
