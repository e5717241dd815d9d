"""What somebody may have laid into a folder, so that a careless Python or Jupyter there would run it."""

from __future__ import annotations

import json
from pathlib import Path

MODULES = [
    "json",
    "clipkit",
    "jupyterlab",
    "ipykernel",
    "ipykernel_launcher",
    "IPython",
    "jupyter_client",
    "papermill",
    "numpy",
    "pandas",
    "matplotlib",
    "nbconvert",
    "bottleneck",
    "numexpr",
    "sitecustomize",
    "usercustomize",
    "conftest",
    "typing",
    "logging",
]
CONFIGS = [
    "ipython_config",
    "ipython_kernel_config",
    "jupyter_config",
    "jupyter_server_config",
    "jupyter_lab_config",
    "jupyter_notebook_config",
    "jupyter_nbconvert_config",
]


def planted_in(folder: Path, ran: Path) -> None:
    """Each would make a file in the folder `ran`, named by what it is."""
    ran.mkdir(exist_ok=True)
    for name in (*MODULES, *CONFIGS, ".clipkit/jupyter_server_config", "startup/00-first"):
        file = folder / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"open({str(ran / Path(name).name)!r}, 'a').close()\n")
    spec = {"argv": ["touch", str(ran / "kernelspec")], "display_name": "x", "language": "python"}
    for place in (".clipkit", ".local/share/jupyter", "share/jupyter"):
        kernel = folder / place / "kernels" / "python3" / "kernel.json"
        kernel.parent.mkdir(parents=True)
        kernel.write_text(json.dumps(spec))
    template = folder / "basic"
    template.mkdir()
    (template / "conf.json").write_text('{"mimetypes": {"text/html": true}}')
    escape = f"cycler.__init__.__globals__.os.system('touch {ran / 'template'}')"
    (template / "index.html.j2").write_text(f"owned by a template {{{{ {escape} }}}}")
    (folder / "matplotlibrc").write_text("text.usetex: True\nfont.size: 40\n")
