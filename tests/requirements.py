"""What a test needs of the machine: without it the test skips, or fails where `CLIPKIT_REQUIRE` names it."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def required(what: str) -> bool:
    """Is `what` among the names that CI says this machine has (`CLIPKIT_REQUIRE=media,ceiling`)?"""
    return what in os.environ.get("CLIPKIT_REQUIRE", "").split(",")


def missing(what: str, why: str) -> NoReturn:
    if required(what):
        pytest.fail(f"CLIPKIT_REQUIRE names '{what}', but {why}")
    pytest.skip(why)
