"""What one setting may be: its kind, its legal values, and how a word becomes one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from clipkit.errors import SettingsError
from clipkit.legal import not_legal

_AS_THE_DEFAULT: Any = object()


@dataclass(frozen=True, slots=True)
class Knob:
    """What one setting may be: `choices`, the range `low` to `high`, or text that `pattern` matches whole,
    which `form` says in words. `absent` says what None means.

    `first` is what held before the knob was declared, and so what a record without its column was
    measured with; left out: the default. `picture`: it decides what a clip looks and sounds like.
    """

    name: str
    kind: type
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    pattern: str = ""
    form: str = "any text"
    absent: str | None = None
    picture: bool = False
    first: Any = _AS_THE_DEFAULT

    @property
    def before(self) -> Any:
        """What held before the knob was declared. A cell at it has the name that it had then."""
        return self.default if self.first is _AS_THE_DEFAULT else self.first

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def legal(self) -> str:
        """The legal values in words, for errors and documentation."""
        if self.choices:
            words = ", ".join(self.choices)
        elif self.kind is bool:
            words = "true, false"
        elif self.kind is int:
            words = f"whole numbers from {self.low} to {self.high}"
        else:
            words = self.form
        return f"{words} (left out: {self.absent})" if self.absent else words

    def check(self, value: object) -> None:
        """Raise SettingsError unless `value` is legal."""
        if value is None and self.absent:
            return
        right_type = type(value) is self.kind
        in_choices = not self.choices or value in self.choices
        in_range = self.low is None or (
            isinstance(value, int) and self.low <= value <= (self.high or 0)
        )
        in_form = not self.pattern or re.fullmatch(self.pattern, str(value))
        if not (right_type and in_choices and in_range and in_form) or value == "":
            raise SettingsError(not_legal(self.name, value, self.legal))

    def parse(self, text: str) -> Any:
        """A command line's word to a value of this knob's kind; raises SettingsError."""
        value: Any = text
        if self.kind is int:
            try:
                value = int(text)
            except ValueError:
                raise SettingsError(not_legal(self.name, text, self.legal)) from None
        elif self.kind is bool:
            value = {"true": True, "false": False}.get(text.lower(), text)
        self.check(value)
        return value
