"""What travels to the host: of the standard library alone, and of nothing else of clipkit's.

`main` runs the trials of a plan that was made at home (`clipkit.pack.plan`); `parts` and `thinning` make the
lines that it prints of them. A payload's documents:

- `WHERE` (once a start): `found` (the host, see `found.Found`), `identity` (boot, container), `started_utc`,
  `ffmpeg_version`, `python`, `left_out` (numbers of trials with their reasons).
- `BEGAN`: `run_id`, `attempt`, `started_utc`.
- `ENDED`: `record` (a whole line of `runs.jsonl`), `clips` (lines of `clips.jsonl`), `samples` (columns, by
  `thinning`), `found` (how the lives before were taken into account, where they were).

DIR holds `journal.jsonl`, one object a line: these documents with `kind` ("where", "began", "ended"), `pack`,
`life` and `trial` (its number in the plan, from 1).
"""
