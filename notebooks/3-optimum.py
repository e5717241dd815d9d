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
# preset decides the picture too; of those that cannot be told apart, the one that needs least memory.

# %% tags=["first-screen"]
from clipkit.report.exhibits import explore
from clipkit.report.exhibits import optimum as optimum_sections
from clipkit.report.notebooks import exploring, parameters

# %% tags=["parameters"]
campaign: str = ""  # folder of a campaign; empty: the newest finished one in results
memory: str = ""  # only this memory ceiling, such as 512M; empty: all
cpus: float = 0.0  # only this CPU quota, such as 0.5; 0: all
preset: str = ""  # only this preset, such as veryfast; empty: the best of each
out: str = ""  # folder to write clipkit.toml to; empty: a sweep's own

# %% tags=["first-screen"]
asked = parameters.checked(globals(), optimum_sections.Asked)
found = optimum_sections.find(asked)

# %% [markdown] tags=["first-screen"]
# ## The optimum

# %% tags=["first-screen"]
optimum_sections.sentences(found)

# %% tags=["first-screen"]
optimum_sections.by_encoding(found)

# %% [markdown]
# ## Where it lies
#
# Hatched: out of memory. Outlined: the fastest for each ceiling, whatever memory it leaves; dashed: its
# ties.

# %%
exploring.shown(explore.heat_maps, found.explored)

# %% [markdown]
# ## Time against memory

# %%
exploring.shown(explore.frontier, found.explored)

# %% [markdown]
# ## What would do as well

# %%
optimum_sections.ties(found)

# %% [markdown]
# ## The file to copy
#
# For `clipkit cut --config clipkit.toml`.

# %%
optimum_sections.to_copy(found)

# %% [markdown]
# ## What this does not show

# %%
optimum_sections.not_shown(found)
