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
# # Do the quick wins win?
#
# The original's backend cuts one clip at a time, with one thread and the preset `ultrafast`. Each verdict
# is computed from the campaign's records, by the rules below: a claim is confirmed or refuted where the
# whole 95 % interval says so.

# %% tags=["first-screen"]
from clipkit.report.exhibits import claims as verdicts
from clipkit.report.notebooks import parameters

# %% tags=["parameters"]
campaign: str = ""  # folder of a campaign; empty: results/quick-wins

# %% tags=["first-screen"]
asked = parameters.checked(globals(), verdicts.Asked)
judged = verdicts.judge(asked)

# %% [markdown] tags=["first-screen"]
# ## The verdicts

# %% tags=["first-screen"]
verdicts.summary(judged)

# %% [markdown]
# ## Every effect, with its interval
#
# Wall time of the original over that of the change, on a logarithmic axis: to the right of 1 is faster.

# %%
verdicts.effects(judged)

# %% [markdown]
# ## How much memory clips at once need

# %%
verdicts.memory(judged)

# %% [markdown]
# ## How it was judged

# %%
verdicts.rules(judged)

# %% [markdown]
# ## What this does not show

# %%
verdicts.not_measured(judged)
