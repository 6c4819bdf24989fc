"""Tables of movements as people write them, and as nobody should."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_mirror_au.asymmetry.actions import ACTIONS
from face_mirror_au.asymmetry.movements import Movement
from face_mirror_au.errors import MovementsError
from face_mirror_au.tables.movements_csv import movements_text, parse_movements, read_movements, write_movements

GOOD = "start_s,end_s,action\n0.5,1.5,BS\n2,3.25,RE\n"
FOUND = [Movement(0.5, 1.5, "BS"), Movement(2.0, 3.25, "RE")]


def read(tmp_path, content):
    path = tmp_path / "p.movements.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_movements(path)


def test_a_table_is_read(tmp_path):
    assert read(tmp_path, GOOD) == FOUND
    assert read(tmp_path, "start_s,end_s,action\n") == []


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n"),
        GOOD.lower(),
        GOOD.replace(",", ", ") + "\n\n  \n",
        GOOD.replace(".", "X").replace(",", ";").replace("X", ","),
        "action,note,end_s,start_s\nRE,well done,3.25,2\nBS,,1.5,0.5\n",
        '"start_s","end_s","action"\n"0.5","1.5","BS"\n"2","3.25","RE"\n',
        "start_s,end_s,action,,\n0.5,1.5,BS,,\n2,3.25,RE,,\n,,,,\n",
    ],
    ids=[
        "byte order mark",
        "CRLF",
        "small letters",
        "blanks",
        "semicolons and decimal commas",
        "other columns",
        "quotes",
        "a spreadsheet's empty cells",
    ],
)
def test_it_is_read_as_spreadsheets_write_it(tmp_path, content):
    assert read(tmp_path, content) == FOUND


KNOWN = f"one of {' '.join(ACTIONS)}, or a word like smile, big smile, snarl, pucker"


@pytest.mark.parametrize("code", sorted(ACTIONS))
def test_every_action_is_known(tmp_path, code):
    assert read(tmp_path, f"start_s,end_s,action\n1,2,{code}\n") == [Movement(1, 2, code)]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Rest", "BL"), ("brow raise", "RE"), ("raise eyebrows", "RE"), ("gentle  eye closure", "ES"), ("Eye closure", "ES"),
        ("tight eye closure", "ET"), ("smile", "SS"), ("Big Smile", "BS"), ("open-mouth smile", "BS"), ("snarl", "WN"),
        ("pucker", "PL"), ("lip pucker", "PL"), ("bs", "BS"),
    ],
)  # fmt: skip
def test_words_are_understood(tmp_path, words, code):
    assert read(tmp_path, f"start_s,end_s,action\n1,2,{words}\n") == [Movement(1, 2, code)]


def test_no_word_has_two_meanings():
    shared = ("smile",)  # the soft one
    words = [word.lower() for action in ACTIONS.values() for word in {*action.words, action.word, action.name}]
    assert sorted(word for word in set(words) if words.count(word) > 1) == list(shared)


def test_a_movement_needs_no_name(tmp_path):
    assert read(tmp_path, "start_s,end_s,action\n1,2,\n3,4\n") == [Movement(1, 2, ""), Movement(3, 4, "")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "'p.movements.csv' is empty; its first line must be start_s,end_s,action"),
        ("\n\n", "'p.movements.csv' is empty; its first line must be start_s,end_s,action"),
        ("start_s,action\n1,BS\n", "'p.movements.csv' has no column 'end_s'; its first line must be start_s,end_s,action"),
        ("1,2,BS\n", "'p.movements.csv' has no column 'start_s'; its first line must be start_s,end_s,action"),
        (GOOD + "a,5,BS\n", "'p.movements.csv', line 4: start_s is 'a', no time in seconds; write a number like 2.5"),
        (GOOD + "\n4,,BS\n", "'p.movements.csv', line 5: end_s is '', no time in seconds; write a number like 2.5"),
        (GOOD + "-1,5,BS\n", "'p.movements.csv', line 4: start_s is '-1', no time in seconds; write a number like 2.5"),
        (GOOD + "nan,5,BS\n", "'p.movements.csv', line 4: start_s is 'nan', no time in seconds; write a number like 2.5"),
        (GOOD + f"1,{'9' * 400},BS\n", f"'p.movements.csv', line 4: end_s is '{'9' * 40}...', no time in seconds; write a number like 2.5"),
        (GOOD + "5,4,BS\n", "'p.movements.csv', line 4: end_s 4 is not after start_s 5; correct one of them"),
        (GOOD + "4,4,BS\n", "'p.movements.csv', line 4: end_s 4 is not after start_s 4; correct one of them"),
        (GOOD + "4,5,yawn\n", f"'p.movements.csv', line 4: there is no action 'yawn'; use {KNOWN}, or leave it empty"),
        (b"\xff\xfe\x00\x01", "'p.movements.csv' is no text in UTF-8; save it as CSV UTF-8"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_told_in_one_line(tmp_path, content, message):
    with pytest.raises(MovementsError) as told:
        read(tmp_path, content)
    assert str(told.value) == message


def test_a_table_that_is_not_there_or_cannot_be_read_is_told(tmp_path):
    with pytest.raises(MovementsError, match=r"'p\.movements\.csv' is not there; make one with: face-mirror-au movements DIR"):
        read_movements(tmp_path / "p.movements.csv")
    with pytest.raises(MovementsError, match="cannot be read"):
        read_movements(tmp_path)


def test_what_is_written_reads_back(tmp_path):
    path = tmp_path / "p.movements.csv"
    write_movements(path, FOUND)
    assert path.read_text() == movements_text(FOUND) == "start_s,end_s,action\n0.500,1.500,BS\n2.000,3.250,RE\n"
    assert read_movements(path) == FOUND


ALPHABET = st.text(alphabet="start_,end_s;action\n\r\"'0123456789.eE+-naNinf BSRE\x00\x0b\u2028\u0663\ufeff", max_size=80)


def told_or_read(give):
    """The movements; or the message, None for the movements then."""
    try:
        return give(), None
    except MovementsError as error:
        return None, str(error)


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=60)
    | ALPHABET
    | ALPHABET.map(lambda text: f"start_s,end_s,action\n{text}")
    | ALPHABET.map(lambda text: f"start_s;end_s;action\n{text}")
)
def test_whatever_stands_in_it_is_read_or_told_in_one_line(text):
    found, message = told_or_read(lambda: parse_movements(text, "p.movements.csv"))
    if message is not None:
        assert "'p.movements.csv'" in message
        assert message.isprintable()
        return
    assert all(0 <= one.start_s < one.end_s < float("inf") for one in found)
    assert all(one.code in ACTIONS or not one.code for one in found)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_whatever_bytes_it_has_are_read_or_told(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "bytes.movements.csv"
    path.write_bytes(content)
    _, message = told_or_read(lambda: read_movements(path))
    assert message is None or message.isprintable()
