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
# # Tune, rewrite or a bigger plan?
#
# A Node.js backend cuts an upload into clips on a small host, and it takes too long. Its settings can be tuned, it
# can be written again in Python or Rust, or a larger plan can be paid for. What each brings, measured; what a
# campaign that is shown here does not hold is said to be missing.

# %% tags=["first-screen"]
from clipkit.hosts import catalogue
from clipkit.report.exhibits import claim_exhibits, question_exhibits
from clipkit.report.notebooks.parameters import checked_parameters
from clipkit.report.notebooks.question import Asked, about_campaigns, open_question

# %% tags=["parameters"]
campaign: str = ""  # folders, with commas; empty: languages, plans, quick-wins and edge
clips_per_day: float = 1000  # the load that a plan is to carry
longest_wait_min: float = 5  # from the order to a job's last clip, for 95 % of jobs
clips_per_job: int = 12  # clips of one order
lines: int = 0  # tell plans of films of that size, such as 720; 0: of which most was measured
clip_s: float = 0.0  # and of clips of that length; 0: likewise

# %% tags=["first-screen"]
question = open_question(checked_parameters(globals(), Asked))

# %% tags=["elsewhere-in-report"]
about_campaigns(question)

# %% [markdown] tags=["first-screen"]
# ## What each way brings, and what it costs
#
# Each is compared with what stands under "beyond": a language and a larger plan with the settings tuned.

# %% tags=["first-screen"]
question_exhibits.each_way(question.campaigns)

# %% [markdown] tags=["first-screen"]
# ## A rule to decide by

# %% tags=["first-screen"]
question_exhibits.rule_to_decide_by(question.campaigns)

# %% [markdown]
# ## The services side by side
#
# At equal settings, each started anew for every trial: only what differs between them is the language's. Those
# "as sketched" give ffmpeg the words of the analysis' own sketch, which seek after the input in Python and Rust.

# %%
question_exhibits.services_side_by_side(question.campaigns)

# %% [markdown]
# ## "Rust: 12 clips, three at once, 48 s instead of 144 s"
#
# What of it comes from the language, what from three at once, what from where the seek stands.

# %%
question_exhibits.what_comes_from_where(question.campaigns)

# %% [markdown]
# ## Until memory runs out
#
# More and more clips at once: how many a host's memory holds, and what is seen one step beyond.

# %%
question_exhibits.until_memory_runs_out(question.campaigns)

# %% [markdown]
# ## Which plan carries the load, and what a clip costs there

# %%
question_exhibits.plans_for_load(question.campaigns, question.load, list(catalogue().values()))

# %% [markdown]
# ## What a clip costs where it was measured
#
# A plan that cuts day and night: the least that a clip can cost there.

# %%
question_exhibits.measured_plans(question.campaigns)

# %% [markdown] tags=["elsewhere-in-report"]
# ## The verdicts

# %% tags=["elsewhere-in-report"]
claim_exhibits.verdicts_table(question.verdicts)

# %% [markdown]
# ## What remains unknown

# %%
question_exhibits.unknown_to_us()
