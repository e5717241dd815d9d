# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["first-screen"]
# # How fast can this host cut clips?
#
# Real ffmpeg, under a host's real memory and CPU ceiling. Give the folder of a finished campaign,
# or leave it empty to measure now: that runs in its own process and takes the budget's minutes.

# %% tags=["first-screen"]
from IPython.display import display

from clipkit.report.exhibits import answer as sections
from clipkit.report.exhibits import study
from clipkit.report.exhibits import tuning as exhibits
from clipkit.report.notebooks import measure, parameters

# %% tags=["parameters"]
campaign: str = ""  # folder of a finished campaign; empty: measure now
video: str = "sample"  # the upload to cut, or sample
host: str = "render-starter"  # the host to hold it to, see `clipkit hosts`
memory: str = ""  # instead of the host's memory, such as 512M
cpus: float = 0.0  # instead of the host's CPU; 0: as the host has it
reserve: str = "0"  # memory that belongs to your own server, such as 120M
budget_minutes: float = 5.0  # how long the measurement may take
results: str = "results"  # where the campaign's folder is made

# %% tags=["first-screen"]
asked = parameters.checked(globals(), measure.Asked)
opened = study.open_study(measure.measure(asked))

# %% [markdown] tags=["first-screen"]
# ## The verdict

# %% tags=["first-screen"]
sections.verdict(opened)

# %% [markdown]
# ## Why

# %%
sections.why(opened)

# %% [markdown]
# ## How long the whole job takes

# %% tags=["first-screen"]
bars = exhibits.bars(opened)
display(bars.picture)

# %%
display(bars.table)

# %% [markdown]
# ## Memory over time, against the ceiling
#
# One run of each, the one of median wall time. Page cache is left out: the kernel drops it when
# memory is needed. The reserve is occupied throughout.

# %% tags=["first-screen"]
memory_over_time = exhibits.memory(opened)
display(memory_over_time.picture)

# %%
display(memory_over_time.table)

# %% [markdown]
# ## The settings tried: time against memory

# %%
exhibits.frontier(opened)

# %% [markdown]
# ## Where the CPU goes
#
# The orchestrator's share of the CPU bounds what a rewrite of it in another language can gain.

# %%
exhibits.cpu(opened)

# %% [markdown]
# ## Every repeat
#
# A baseline and the recommended settings ran one after the other in each block: what slows the
# machine down for a while slows both.

# %%
exhibits.pairs(opened)

# %% [markdown]
# ## The optimum for this host

# %%
sections.optimum(opened)

# %% [markdown] tags=["first-screen"]
# ## The change to copy

# %% tags=["first-screen"]
sections.change(opened)

# %% [markdown]
# ## Every trial

# %%
sections.trials(opened)

# %% [markdown]
# ## What it was measured on

# %%
sections.measured_on(opened)

# %% [markdown] tags=["first-screen"]
# ## What was not measured

# %% tags=["first-screen"]
sections.not_measured(opened)
