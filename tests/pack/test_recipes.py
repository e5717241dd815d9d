"""The recipes say what their hosts understand, and none has a job started again that was killed."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from recipe_files import RECIPES, commands, document, pod, write_ssh

SCHEMA = Path(__file__).with_name("kubernetes-job.schema.json")

STAND_IN_PACK = """
import os, sys
os.makedirs("pack", exist_ok=True)
with open("pack/told", "w") as told:
    told.write(" ".join([os.path.basename(os.getcwd()), *sys.argv[1:]]))
sys.exit(int(open("code").read()))
"""

RENDER_CRON = {
    "type": str,
    "name": str,
    "runtime": str,
    "plan": str,
    "schedule": str,
    "dockerContext": str,
    "dockerfilePath": str,
    "dockerCommand": str,
    "autoDeployTrigger": str,
}
"""What of a cron job in Docker the recipe states, by the names that Render's blueprint specification has for it."""


def test_the_job_is_one_that_kubernetes_takes() -> None:
    jsonschema.validate(document("kubernetes.yaml"), json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize(
    "place",
    [("spec",), ("spec", "template", "spec"), ("spec", "template", "spec", "containers", 0)],
)
def test_a_misspelt_field_of_the_job_would_be_seen(place: tuple[Any, ...]) -> None:
    job = document("kubernetes.yaml")
    inner = job
    for key in place:
        inner = inner[key]
    inner["restartpolicy"] = "Never"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(job, json.loads(SCHEMA.read_text()))


def test_a_killed_pod_is_not_started_again_and_costs_no_other_shard() -> None:
    spec = document("kubernetes.yaml")["spec"]
    assert pod()["restartPolicy"] == "Never"
    assert (spec["completionMode"], spec["backoffLimitPerIndex"]) == ("Indexed", 0)
    assert "backoffLimit" not in spec


def test_no_two_shards_run_on_one_machine() -> None:
    (rule,) = pod()["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert rule["topologyKey"] == "kubernetes.io/hostname"
    labels = document("kubernetes.yaml")["spec"]["template"]["metadata"]["labels"]
    assert rule["labelSelector"]["matchLabels"].items() <= labels.items()


def test_the_cron_job_states_what_render_asks_for_and_nothing_starts_it_by_itself() -> None:
    (job,) = document("render.yaml")["services"]
    assert {name: type(value) for name, value in job.items()} == RENDER_CRON
    assert (job["type"], job["runtime"], job["autoDeployTrigger"]) == ("cron", "docker", "off")
    assert job["schedule"].split()[2:4] == ["29", "2"]


def test_the_image_is_of_what_the_host_has_and_holds_the_packs() -> None:
    lines = [
        line for line in (RECIPES / "Dockerfile").read_text().splitlines() if line[:1].isupper()
    ]
    assert [line.split()[0] for line in lines] == ["ARG", "FROM", "RUN", "COPY", "CMD"]
    assert {command[0] for command in commands().values()} == {"python3", "sh"}
    assert all("/packs/" in " ".join(command) for command in commands().values())


def test_every_recipe_begins_without_asking() -> None:
    assert all("--yes" in " ".join(command) for command in commands().values())
    assert "--yes" in (RECIPES / "ssh.sh").read_text()


def test_the_readme_names_every_recipe() -> None:
    text = (RECIPES / "README.md").read_text("utf-8")
    named = set(re.findall(r"\]\(([^)]+)\)", text))
    assert named == {path.name for path in RECIPES.iterdir()} - {"README.md"}


def test_the_script_is_one_that_a_shell_reads() -> None:
    subprocess.run(["sh", "-n", RECIPES / "ssh.sh"], check=True)


@pytest.mark.parametrize("told", ["41", "41;other"])
def test_on_slurm_the_merge_waits_for_the_shards_also_on_another_cluster(
    tmp_path: Path, told: str
) -> None:
    """As `sbatch --parsable` answers with and without -M."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "sbatch").write_text(f"#!/bin/sh\necho \"$*\" >> {tmp_path}/asked\necho '{told}'\n")
    (programs / "sbatch").chmod(0o755)
    (tmp_path / "file.toml").touch()
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    words = [RECIPES / "slurm.sh", tmp_path / "file.toml", "3", tmp_path / "results"]
    subprocess.run(words, env=os.environ | {"PATH": path}, check=True)
    asked = (tmp_path / "asked").read_text()
    assert re.findall(r"--dependency (\S+)", asked) == ["afterany:41"]


def test_over_ssh_each_host_s_folder_and_exit_code_come_home(tmp_path: Path) -> None:
    programs, there, here = tmp_path / "bin", tmp_path / "there", tmp_path / "here"
    hosts = {"me@one": 0, "me@two": 3}
    for folder in (programs, here, *(there / host for host in hosts)):
        folder.mkdir(parents=True)
    write_ssh(programs, there)
    (tmp_path / "pack.pyz").write_text(STAND_IN_PACK)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    for host, code in hosts.items():
        (there / host / "code").write_text(str(code))
        words = ["sh", RECIPES / "ssh.sh", host, tmp_path / "pack.pyz", "--only", "1"]
        ran = subprocess.run(
            words, cwd=here, env=os.environ | {"PATH": path}, capture_output=True, check=False
        )
        assert ran.returncode == code, ran.stderr
    for host in hosts:
        assert (
            here / host / "pack" / "told"
        ).read_text() == f"{host} --yes --results pack --only 1"
