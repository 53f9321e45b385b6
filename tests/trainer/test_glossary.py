"""One word for one thing: every setting's term is explained, and the program carries what the documents say."""

import re
from pathlib import Path

import pytest

from trainer import config

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "trainer" / "resources" / "glossary.md").read_text(encoding="utf-8")
LINES = [line for line in TEXT.splitlines() if line.startswith("| ")][1:]
ENTRIES = {row[1]: row[2] for line in LINES if (row := re.fullmatch(r"\| ([^|]+?) \| ([^|]+?) \|", line))}


def test_the_program_and_the_documents_have_the_same_glossary() -> None:
    """After a change of docs/glossary.md copy it to trainer/resources/."""
    assert (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8") == TEXT


def test_every_row_is_a_word_and_a_sentence() -> None:
    assert len(ENTRIES) == len(LINES)
    assert [word for word, meaning in ENTRIES.items() if not meaning.endswith(".")] == []


def test_words_stand_in_alphabetical_order() -> None:
    assert list(ENTRIES) == sorted(ENTRIES, key=str.casefold)


@pytest.mark.parametrize("item", list(config.settings()), ids=lambda item: item.key)
def test_every_setting_has_an_entry(item: config.Setting) -> None:
    assert len(ENTRIES[item.term]) > 20


@pytest.mark.parametrize("word", [c for s in config.settings() if s.key == "imbalance.method" for c in s.choices[1:]])
def test_every_way_to_treat_imbalance_has_an_entry(word: str) -> None:
    assert word.replace("-", " ") in ENTRIES
