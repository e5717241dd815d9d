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

from clipkit.report.exhibits import tuning_charts, tuning_sections
from clipkit.report.notebooks.about import about_campaign
from clipkit.report.notebooks.measure import Asked, given_or_measured
from clipkit.report.notebooks.parameters import checked_parameters

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
measured = given_or_measured(checked_parameters(globals(), Asked))
tuning, recommendation = measured.campaign, measured.recommendation

# %% tags=["first-screen"]
about_campaign(tuning)

# %% [markdown] tags=["first-screen"]
# ## The verdict

# %% tags=["first-screen"]
tuning_sections.verdict_section(tuning, recommendation)

# %% [markdown]
# ## Why

# %%
tuning_sections.reasons_section(recommendation)

# %% [markdown]
# ## How long the whole job takes

# %% tags=["first-screen"]
job_times = tuning_charts.job_times(tuning, recommendation)
display(job_times.picture)

# %%
display(job_times.table)

# %% [markdown]
# ## Memory over time, against the ceiling
#
# One run of each, the one that needed most. Page cache is left out: the kernel drops it when
# memory is needed. The reserve is occupied throughout.

# %% tags=["first-screen"]
memory_over_time = tuning_charts.memory_of_subjects(tuning, recommendation)
display(memory_over_time.picture)

# %%
display(memory_over_time.table)

# %% [markdown]
# ## The settings tried: time against memory

# %%
tuning_charts.settings_tried(tuning, recommendation)

# %% [markdown]
# ## Where the CPU goes
#
# The orchestrator's share of the CPU bounds what a rewrite of it in another language can gain.

# %%
tuning_charts.cpu_shares(tuning, recommendation)

# %% [markdown]
# ## Every repeat
#
# A baseline and the recommended settings ran one after the other in each block: what slows the
# machine down for a while slows both.

# %%
tuning_charts.paired_repeats(tuning, recommendation)

# %% [markdown]
# ## The optimum for this host

# %%
tuning_sections.recommended_section(recommendation)

# %% [markdown] tags=["first-screen"]
# ## The change to copy

# %% tags=["first-screen"]
tuning_sections.change_section(recommendation)

# %% [markdown]
# ## Every trial

# %%
tuning_sections.trials_table(tuning)

# %% [markdown]
# ## What it was measured on

# %%
tuning_sections.measured_on_section(tuning, recommendation)

# %% [markdown] tags=["first-screen"]
# ## What was not measured

# %% tags=["first-screen"]
tuning_sections.limits_section(recommendation)
