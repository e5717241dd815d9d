"""What travels to the host: of the standard library alone, and of nothing else of clipkit's.

`main` runs the trials of a plan that was made at home (`clipkit.pack.plan`); `parts` and `thinning` make the
lines that it prints of them. A payload's documents:

- `WHERE` (once a start): `found` (the host, see `found.Found`), `identity` (boot, container), `machine` (the
  column `host_id`), `started_utc`, `ffmpeg_version`, `python`, `speed` (the canary's time here over that at
  home), `left_out` (numbers of trials, as text, with their reasons), `steal_is_ours` (see `verdict.Here`).
- `BEGAN`: `run_id`, `attempt`, `started_utc`, `oom_kills` (the counter's, then).
- `ENDED`: `record` (a whole line of `runs.jsonl`), `clips` (lines of `clips.jsonl`), `samples` (columns, by
  `thinning`); of a trial that an earlier life lost also `lost` (true) and `need_bytes` (of its last sample).

DIR holds `journal.jsonl`, one object a line: these documents with `kind` ("where", "began", "ended"), `pack`,
`life` and `trial` (its number in the plan, from 1). `printed.log` beside it holds every part as it was printed:
`clipkit unpack DIR` reads these, which are signed, as it reads any other log. `samples` holds those of an attempt
until its end is told. DIR is locked for as long as a pack runs in it.

What home keeps of a pack is `clipkit.pack.kept.Packed`: key, plan, promise, experiment and uploads (`keep_packed`
when it is made), and once more in the pack as `home.json`.
"""
