"""The movements that a person is asked to make, by the two-letter codes of Face Mirror's Action Coder."""

from __future__ import annotations

from dataclasses import dataclass

from face_mirror_au.asymmetry.zones import Zone


@dataclass(frozen=True, slots=True)
class Action:
    """A movement of the protocol.

    Attributes
    ----------
    code : str
        Two letters.
    name : str
        What the person is asked to do: "raise eyebrows".
    word : str
        The movement as a noun: "brow raise".
    zone : str or None
        Key of the zone that moves; None for rest.
    aus : tuple of str
        The action units that make the movement: in each frame the largest of them is its strength.
    length : str
        Key of the landmark measure that shows it; empty where none does.
    words : tuple of str
        Other names that are understood, in small letters.
    """

    code: str
    name: str
    word: str
    zone: str | None
    aus: tuple[str, ...]
    length: str = ""
    words: tuple[str, ...] = ()

    @property
    def by_lids(self) -> bool:
        """Whether the lids say how far it went, not an action unit: an eye that rolls up behind open lids looks closed."""
        return self.length == "eye_closing"


# The expressions of Sunnybrook's scale, which House-Brackmann's and eFACE use too, are rest, RE, ES, BS, WN and PL.
ACTIONS = {
    action.code: action
    for action in (
        Action("BL", "baseline: face at rest", "rest", None, (), words=("baseline", "at rest", "neutral", "repose")),
        Action(
            "RE", "raise eyebrows", "brow raise", "upper", ("AU01", "AU02"), "brow_raise",
            words=("raise brows", "raise the eyebrows", "raised eyebrows", "eyebrow raise", "forehead wrinkle"),
        ),
        Action("FR", "frown", "frown", "upper", ("AU04",), words=("brow lowering",)),
        Action(
            "ES", "close eyes softly", "eye closure", "eye", ("AU45",), "eye_closing",
            words=("gentle eye closure", "soft eye closure", "close eyes", "close the eyes", "close eyes gently"),
        ),
        Action(
            "ET", "close eyes tightly", "tight eye closure", "eye", ("AU45",), "eye_closing",
            words=("forced eye closure", "squeeze eyes", "close the eyes tightly"),
        ),
        Action("BK", "blink", "blink", "eye", ("AU45",), "eye_closing", words=("blinking",)),
        Action("WN", "wrinkle nose", "nose wrinkle", "midface", ("AU09", "AU10"), words=("snarl", "sneer", "wrinkle the nose")),
        Action("SS", "soft smile", "smile", "mouth", ("AU12",), "mouth_corner", words=("gentle smile", "closed-mouth smile")),
        Action(
            "BS", "big smile", "smile", "mouth", ("AU12",), "mouth_corner",
            words=("open-mouth smile", "open mouth smile", "smile with teeth", "toothy smile", "full smile"),
        ),
        Action("SE", "say E", "saying E", "mouth", ("AU12", "AU20", "AU25"), words=("say ee", "say eee")),
        Action("SO", "say O", "saying O", "mouth", ("AU22", "AU25"), words=("say oo",)),
        Action(
            "PL", "pucker lips", "pucker", "mouth", ("AU18",),
            words=("lip pucker", "lip-pucker", "pucker the lips", "purse lips", "kiss", "whistle"),
        ),
        Action(
            "BC", "blow cheeks", "blowing the cheeks", "mouth", ("AU34",),
            words=("cheek puff", "puff cheeks", "puff the cheeks", "blow the cheeks"),
        ),
        Action(
            "LT", "show lower teeth", "showing the lower teeth", "mouth", ("AU16",),
            words=("lower teeth", "lower lip depression", "show the lower teeth"),
        ),
    )
}  # fmt: skip


def action_code(text: str) -> str | None:
    """The code of an action by its code, its name or another word for it, in capital letters or not; None where nobody knows it."""
    plain = " ".join(text.split())
    if plain.upper() in ACTIONS:
        return plain.upper()
    return _CODES.get(plain.lower())


# A plain "smile" is the soft one.
_CODES = {word.lower(): action.code for action in reversed(ACTIONS.values()) for word in (*action.words, action.word, action.name)}

# What a movement without a code is: nobody said what the person was asked to do.
UNNAMED = Action("", "not named", "movement", None, ())


def zone_of(action: Action) -> Zone | None:
    """The action as a zone of its own action units, for `compare_zone`; None for rest and for what has no name."""
    if action.zone is None:
        return None
    return Zone(action.zone, action.word, action.aus)
