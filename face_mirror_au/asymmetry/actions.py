"""The movements that a person is asked to make, by the two-letter codes of Face Mirror's Action Coder."""

from __future__ import annotations

from dataclasses import dataclass

from face_mirror_au.asymmetry.zones import ZONES, Zone


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
    """

    code: str
    name: str
    word: str
    zone: str | None
    aus: tuple[str, ...]


_MOUTH = next(zone.aus for zone in ZONES if zone.key == "mouth")

ACTIONS = {
    action.code: action
    for action in (
        Action("BL", "baseline: face at rest", "rest", None, ()),
        Action("RE", "raise eyebrows", "brow raise", "upper", ("AU01", "AU02")),
        Action("FR", "frown", "frown", "upper", ("AU04",)),
        Action("ES", "close eyes softly", "eye closure", "eye", ("AU45",)),
        Action("ET", "close eyes tightly", "tight eye closure", "eye", ("AU45",)),
        Action("BK", "blink", "blink", "eye", ("AU45",)),
        Action("WN", "wrinkle nose", "nose wrinkle", "midface", ("AU09", "AU10")),
        Action("SS", "soft smile", "smile", "mouth", ("AU12",)),
        Action("BS", "big smile", "smile", "mouth", ("AU12",)),
        Action("SE", "say E", "saying E", "mouth", ("AU12", "AU20", "AU25")),
        Action("SO", "say O", "saying O", "mouth", ("AU25",)),
        # No measured action unit is made by the muscles of these alone: whatever moves in the mouth counts.
        Action("PL", "pucker lips", "pucker", "mouth", _MOUTH),
        Action("BC", "blow cheeks", "blowing the cheeks", "mouth", _MOUTH),
        Action("LT", "show lower teeth", "showing the lower teeth", "mouth", _MOUTH),
    )
}

# What a movement without a code is: nobody said what the person was asked to do.
UNNAMED = Action("", "not named", "movement", None, ())


def zone_of(action: Action) -> Zone | None:
    """The action as a zone of its own action units, for `compare_zone`; None for rest and for what has no name."""
    if action.zone is None:
        return None
    return Zone(action.zone, action.word, action.aus)
