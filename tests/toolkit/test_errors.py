import pytest

from hemotk.errors import CheckFailed, HemotkError


def option(name: str) -> str:
    return "--" + name.replace("_", "-")


@pytest.mark.parametrize(
    ("sentence", "python", "command", "parts"),
    [
        (
            "‹min_auc› 2: must be a fraction; change the value.",
            "min_auc 2: must be a fraction; change the value.",
            "--min-auc 2: must be a fraction; change the value.",
            ("min_auc", "2", "change the value"),
        ),
        (
            "‹teacher›: is none; leave ‹teacher_share› out.",
            "teacher: is none; leave teacher_share out.",
            "--teacher: is none; leave --teacher-share out.",
            ("teacher", None, "leave teacher_share out"),
        ),
        ("a.png: no such file.", "a.png: no such file.", "a.png: no such file.", (None, None, None)),
        (*["‹A B›.png: is odd; rename it."] * 3, (None, None, "rename it")),
    ],
)  # fmt: skip
def test_a_sentence_calls_settings_as_its_reader_does(
    sentence: str, python: str, command: str, parts: tuple[str | None, ...]
) -> None:
    error = CheckFailed(sentence)
    assert (str(error), error.worded(option)) == (python, command)
    assert (error.field, error.value, error.remedy) == parts
    assert isinstance(error, HemotkError) and (error.exit_code, HemotkError.exit_code) == (1, 2)
