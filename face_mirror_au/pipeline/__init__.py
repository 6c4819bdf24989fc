"""The method, in order: `locate` finds the face, `describe` turns it into numbers, `sequence` turns the numbers into action units."""
