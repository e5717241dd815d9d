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
# # What did the campaign find?

# %% [markdown] tags=["notebook-only"]
# Any campaign, a sweep's or a tuning's, finished or not. Nothing is measured here: run all cells, then
# narrow what is shown with the parameters, and look into single runs at the end.

# %% tags=["first-screen"]
from clipkit.report.exhibits import campaign_charts, grid_charts
from clipkit.report.notebooks.about import about_campaign
from clipkit.report.notebooks.explore import Asked, look_into, open_narrowed, shown_or_why_not
from clipkit.report.notebooks.parameters import checked_parameters

# %% tags=["parameters"]
campaign: str = ""  # folder of a campaign; empty: your newest, else the reference
preset: str = ""  # only these presets, such as "ultrafast, veryfast"; empty: all
memory: str = ""  # only these memory ceilings, such as 512M; empty: all
cpus: str = ""  # only these CPU quotas, such as 0.5; empty: all
upload: str = ""  # only these uploads, by name; empty: all
clip_s: str = ""  # only these clip lengths in seconds; empty: all
cell: str = ""  # the cell or run to look into, by its name in the tables; empty: the recommended

# %% tags=["first-screen"]
asked = checked_parameters(globals(), Asked)
found = open_narrowed(asked)

# %% tags=["elsewhere-in-report"]
about_campaign(found)

# %% [markdown]
# ## What was measured, and how it ended

# %%
campaign_charts.overview(found)

# %% [markdown]
# ## How long a clip takes with each combination of settings
#
# A tile is one combination of settings, its number the mean of all its runs. Hatched: it ran out of
# memory, or was not run since a smaller one did. Outlined, with a star: the recommended settings for each
# host and job; dashed: what cannot be told apart from the fastest.
# The first column of the table names the cell for the parameter `cell`.

# %%
shown_or_why_not(grid_charts.heat_maps, found)

# %% [markdown]
# ## What more clips at once bring

# %%
shown_or_why_not(grid_charts.scaling, found)

# %% [markdown]
# ## What speed costs in memory
#
# On the front, nothing is both faster and smaller.

# %%
shown_or_why_not(grid_charts.fronts, found)

# %% [markdown]
# ## Where memory peaks
#
# Of the recommended settings, of those that took most, and of one that ran out. Page cache is left out: the kernel
# drops it when memory is needed.

# %%
shown_or_why_not(campaign_charts.memory_of_runs, found)

# %% [markdown]
# ## How far repeats lie apart

# %%
shown_or_why_not(campaign_charts.repeats, found)

# %% [markdown]
# ## From a cell to its command line and log

# %%
look_into(found, asked.cell)
