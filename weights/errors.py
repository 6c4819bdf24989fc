"""The errors of this project. The base class lives here, in the lowest layer, so that every package can derive from it."""

from __future__ import annotations


class FaceMirrorAUError(Exception):
    """Base of every error that this project raises on purpose.

    The message is one line for a person: what is wrong, with which file, what to do.
    """


class WeightsError(FaceMirrorAUError):
    """A model file is missing, damaged, of an unknown kind, or could not be fetched."""


class LicenceNotAcceptedError(WeightsError):
    """A licensed set was asked for and its licence was not accepted."""
