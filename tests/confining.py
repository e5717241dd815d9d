"""A kernel that can hold a process to what it may open; where it cannot, tests of that skip."""

from __future__ import annotations

import pytest

from clipkit.confinement import kernel_version

WITHOUT = "this kernel has no Landlock, or does not let us use it"

needs_landlock = pytest.mark.skipif(kernel_version() == 0, reason=WITHOUT)
