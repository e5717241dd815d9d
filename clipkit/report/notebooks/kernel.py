"""The kernel of every notebook that we open or execute: this interpreter, and nothing of the folder it works in.

A notebook's kernel works in the folder of the notebook, which Python and IPython would both put before their own
modules: a `json.py` that came with a campaign would run. So it starts with `-P` and without that folder; whoever
wants a module of their own from there says `sys.path.append(".")` in a cell.
"""

from __future__ import annotations

from typing import Any

from ipykernel.kernelspec import get_kernel_dict

_KEPT_OUT = "--InteractiveShellApp.ignore_cwd=True"
_ENVIRONMENT = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
"""Or the debugger warns on stderr that it cannot see into Python's frozen modules."""


def kernel_document(*arguments: str, **environment: str) -> dict[str, Any]:
    """What a `kernel.json` holds, with further arguments of the kernel's and variables of its environment."""
    document: dict[str, Any] = get_kernel_dict([_KEPT_OUT, *arguments])
    python, *rest = document["argv"]
    return document | {"argv": [python, "-P", *rest], "env": _ENVIRONMENT | environment}
