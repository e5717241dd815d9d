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
# # Which of the claims hold?
#
# The original's backend cuts one clip at a time, with one thread and the preset `ultrafast`. Each verdict
# is computed from the campaign's records, by the rules below: by whole 95 % intervals, of alike conditions
# together. More and less than claimed are told apart; "it depends" is said only where a division is shown;
# where nothing is decided, that is the verdict. Of services one language stands beside another that was told the
# same, each started anew for every trial.

# %% tags=["first-screen"]
from clipkit.report.exhibits import claim_exhibits
from clipkit.report.notebooks.about import about_campaign
from clipkit.report.notebooks.parameters import checked_parameters
from clipkit.report.notebooks.quick_wins import Asked, judge_claims

# %% tags=["parameters"]
campaign: str = ""  # folder of a campaign; empty: your results/quick-wins, else the reference

# %% tags=["first-screen"]
judged = judge_claims(checked_parameters(globals(), Asked))

# %% tags=["elsewhere-in-report"]
about_campaign(judged.campaign)

# %% [markdown] tags=["elsewhere-in-report"]
# ## The verdicts

# %% tags=["elsewhere-in-report"]
claim_exhibits.verdicts_table(judged.verdicts)

# %% [markdown]
# ## Every effect, with its interval
#
# Wall time of the original over that of the change, on a logarithmic axis: to the right of 1 is faster.

# %%
claim_exhibits.every_effect(judged.verdicts)

# %% [markdown]
# ## How many at once fit

# %%
claim_exhibits.memory_at_once(judged.verdicts)

# %% [markdown]
# ## How it was judged

# %%
claim_exhibits.rules_table(judged.verdicts)

# %% [markdown]
# ## What this does not show

# %%
claim_exhibits.limits_of_claims(judged.verdicts)
