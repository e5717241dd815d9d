"""The tables of `results/SERVICES.md`, from the stored records beside it."""

from __future__ import annotations

from pathlib import Path

from clipkit.records.folder import read_records
from clipkit.records.service_lives import ServiceLife, read_lives, read_loads
from clipkit.report.exhibits.edge_exhibits import edge_sentences, edges_table
from clipkit.report.exhibits.service_exhibits import in_a_row_table, lives_table, loads_table

PAGE = "SERVICES.md"
MEMORY, LOAD = Path("services", "memory.jsonl"), Path("services", "load.jsonl")


def services_blocks(results: Path) -> dict[str, str]:
    """By the mark that each stands behind: a table in markdown, or a list. `results` is the folder of campaigns."""
    plain, wild = _told_apart(read_lives(results / MEMORY))
    edge = read_records(results / "edge")
    loads = read_loads(results / LOAD)
    return {
        "found at the edge": "".join(f"- {line}.\n" for line in edge_sentences(edge)),
        "edge": edges_table(edge).markdown(),
        "hundred clips": in_a_row_table(read_records(results / "hundred-clips")).markdown(),
        "lives": lives_table(plain).markdown(),
        "in the wild": lives_table(wild).markdown(),
        "load": loads_table(loads).markdown() if loads else "Not measured yet.\n",
    }


def with_blocks(text: str, blocks: dict[str, str]) -> str:
    """The page with these tables between their marks. Raises KeyError for a mark that it does not have."""
    for name, table in blocks.items():
        before, mark, rest = text.partition(f"<!-- {name} -->\n")
        if not mark or "<!-- end -->" not in rest:
            raise KeyError(name)
        text = before + mark + table + rest[rest.index("<!-- end -->") :]
    return text


def _told_apart(lives: list[ServiceLife]) -> tuple[list[ServiceLife], list[ServiceLife]]:
    """As each service is, and told by its environment to do what is found in the wild."""
    plain = [life for life in lives if life.service_environment is None]
    return plain, [life for life in lives if life.service_environment is not None]
