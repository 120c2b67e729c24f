"""The errors that hemotk raises on purpose; the command line turns each into one sentence and an exit code."""


class HemotkError(Exception):
    """Wrong use or bad input: one sentence that says what, where (file, field) and the remedy. Exit code 2."""

    exit_code = 2


class CheckFailed(HemotkError):
    """A gate or an export check that did not hold; the input was fine, the result is not. Exit code 1."""

    exit_code = 1
