# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["first-screen"]
# # Which settings are the best for a host?
#
# From a finished campaign: the fastest settings that leave a margin of memory, for each preset, since a
# preset decides the picture too. Of a tuning: what it recommends itself, with its confirmed times.

# %% tags=["first-screen"]
from clipkit.report.exhibits import grid_charts
from clipkit.report.notebooks import optimum
from clipkit.report.notebooks.about import about_campaign
from clipkit.report.notebooks.explore import shown_or_why_not
from clipkit.report.notebooks.optimum import Asked, find_optima
from clipkit.report.notebooks.parameters import checked_parameters

# %% tags=["parameters"]
campaign: str = ""  # folder of a campaign; empty: your newest, else the reference
memory: str = ""  # only this memory ceiling, such as 512M; empty: all
cpus: str = ""  # only this CPU quota, such as 0.5, or several: 0.5, 2; empty: all
preset: str = ""  # only this preset, such as veryfast; empty: the best of each
out: str = ""  # folder to write clipkit.toml to; empty: beside this notebook

# %% tags=["first-screen"]
found = find_optima(checked_parameters(globals(), Asked))

# %% tags=["elsewhere-in-report"]
about_campaign(found.campaign)

# %% [markdown] tags=["first-screen"]
# ## The optimum of each picture

# %% tags=["elsewhere-in-report"]
optimum.the_optimum(found)

# %% tags=["first-screen"]
optimum.its_figures(found)

# %% [markdown] tags=["elsewhere-in-report"]
# ## Where it lies
#
# Hatched: out of memory. Outlined, with a star: the recommended settings for each host and job; dashed: what
# cannot be told apart from the fastest.

# %% tags=["elsewhere-in-report"]
shown_or_why_not(grid_charts.heat_maps, found.campaign)

# %% [markdown] tags=["elsewhere-in-report"]
# ## What speed costs in memory

# %% tags=["elsewhere-in-report"]
shown_or_why_not(grid_charts.fronts, found.campaign)

# %% [markdown]
# ## What would do as well

# %%
optimum.as_good(found)

# %% [markdown]
# ## The file to copy
#
# For `clipkit cut --config clipkit.toml`.

# %%
optimum.to_copy(found)

# %% [markdown]
# ## What this does not show

# %%
optimum.not_shown(found)
