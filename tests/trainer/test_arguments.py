"""What can be typed: mistakes are told by the verb that was meant."""

import pytest

from trainer import arguments


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (
            "recipes --setings",
            "cxr-trainer recipes: '--setings' has no meaning here. Did you mean --settings? See cxr-trainer recipes",
        ),
        ("train lungs.cxr --recipie quick", "cxr-trainer train: '--recipie' has no meaning here. Did you mean --recipe? See"),
        ("train lungs.cxr more", "cxr-trainer train: 'more' has no meaning here. See cxr-trainer train --help."),
        ("trian lungs.cxr", "There is no 'trian'. Did you mean train? See cxr-trainer --help."),
        ("evaluate run --level x", "'x' is no count"),
    ],
)
def test_a_slip_is_told_with_what_was_meant(typed: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        arguments.parse(typed.split())
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_every_option_says_what_it_does() -> None:
    for verb, one in arguments._verbs(arguments.parser()).items():
        assert all(action.help for action in one._actions), verb
