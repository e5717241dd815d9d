from clipkit.tables import Table


def table(rows: int, columns: int) -> Table:
    return Table(("head",) * columns, (("1",) * columns,) * rows)


def test_a_long_table_is_closed_and_a_card_is_not():
    assert table(10, 3)._repr_html_().startswith("<div")
    assert table(11, 3)._repr_html_().startswith("<details><summary>Table of 11 rows</summary>")
    assert table(20, 2)._repr_html_().startswith("<div")
    assert table(49, 2)._repr_html_().startswith("<details>")
    assert table(49, 3).whole_html().startswith("<div")
