"""`python -m clipkit`."""

import sys

if (
    not sys.flags.safe_path
):  # `-m` puts the current folder first: a `json.py` there would be taken for Python's
    del sys.path[0]

from clipkit.cli import main

if __name__ == "__main__":
    main()
