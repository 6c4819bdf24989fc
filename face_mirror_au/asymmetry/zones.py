"""Which action units belong to which part of the face."""

from __future__ import annotations

from dataclasses import dataclass

from face_mirror_au.records import ALL_AUS


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of the face whose action units are looked at together.

    Attributes
    ----------
    key : str
        Short name without blanks.
    name : str
        As in a sentence: "the mouth".
    aus : tuple of str
        Its action units; the one that matters most first.
    """

    key: str
    name: str
    aus: tuple[str, ...]

    @property
    def subject(self) -> str:
        """As a sentence begins: "The mouth"."""
        return self.name[0].upper() + self.name[1:]

    @property
    def title(self) -> str:
        """As a heading: "Mouth"."""
        return self.name.removeprefix("the ").capitalize()


# The regions that a clinician asks for one by one: brow, lids, nose and upper lip, mouth.
ZONES = (
    Zone("upper", "the upper face", ("AU01", "AU02", "AU04")),
    Zone("eye", "the eye region", ("AU45", "AU07", "AU06")),
    Zone("midface", "the mid-face", ("AU09", "AU10")),
    Zone("mouth", "the mouth", ("AU12", "AU14", "AU15", "AU20", "AU25")),
)

# Measured, but in no zone: the lips and jaw move as one piece in AU17, AU18, AU22, AU26 and AU28; the others are seldom seen apart.
OTHER_AUS = tuple(au for au in ALL_AUS if not any(au in zone.aus for zone in ZONES))
