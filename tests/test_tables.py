import pytest

from clipkit import format as fmt
from clipkit.tables import Table


def table(rows: int, columns: int) -> Table:
    return Table(("head",) * columns, (("1",) * columns,) * rows)


def test_a_long_table_is_closed_and_a_card_is_not():
    assert table(10, 3)._repr_html_().startswith("<div")
    assert table(11, 3)._repr_html_().startswith("<details><summary>Table of 11 rows</summary>")
    assert table(20, 2)._repr_html_().startswith("<div")
    assert table(49, 2)._repr_html_().startswith("<details>")
    assert table(49, 3).whole_html().startswith("<div")


@pytest.mark.parametrize(
    ("value", "words"), [(0.4213, "0.421"), (8.25, "8.25"), (412.4, "412"), (1012.7, "1013")]
)
def test_a_figure_has_three_digits_and_never_an_exponent(value: float, words: str) -> None:
    assert fmt.number(value) == words
    assert fmt.seconds(value) == f"{words} s"
