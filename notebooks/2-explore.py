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
from clipkit.report.exhibits import explore
from clipkit.report.notebooks import exploring, parameters

# %% tags=["parameters"]
campaign: str = ""  # folder of a campaign; empty: the newest finished one in results
preset: str = ""  # only these presets, such as "ultrafast, veryfast"; empty: all
memory: str = ""  # only these memory ceilings, such as 512M; empty: all
cpus: str = ""  # only these CPU quotas, such as 0.5; empty: all
upload: str = ""  # only these uploads, by name; empty: all
clip_s: str = ""  # only these clip lengths in seconds; empty: all
cell: str = ""  # the cell or run to look into, by its name in the tables; empty: the fastest

# %% tags=["first-screen"]
asked = parameters.checked(globals(), exploring.Asked)
found = exploring.opened(asked)

# %% tags=["first-screen"]
exploring.about(found)

# %% [markdown]
# ## What was measured, and how it ended

# %%
explore.overview(found)

# %% [markdown]
# ## Heat maps: how long a clip takes
#
# A tile is one combination of settings, its number the mean of all its runs. Hatched: it ran out of
# memory, or was not run since a smaller one did. Outlined: the fastest for each ceiling; dashed: what
# cannot be told apart from it. The first column of the table names the cell for the parameter `cell`.

# %%
exploring.shown(explore.heat_maps, found)

# %% [markdown]
# ## Does it scale with concurrency?

# %%
exploring.shown(explore.scaling, found)

# %% [markdown]
# ## Time against memory
#
# On the front, nothing is both faster and smaller.

# %%
exploring.shown(explore.frontier, found)

# %% [markdown]
# ## Memory over time
#
# Of the fastest, of the one that took most, and of one that ran out. Page cache is left out: the kernel
# drops it when memory is needed.

# %%
exploring.shown(explore.memory, found)

# %% [markdown]
# ## How far repeats differ

# %%
exploring.shown(explore.repeats, found)

# %% [markdown]
# ## From a cell to its command line and log

# %%
exploring.look_into(found, asked.cell)
