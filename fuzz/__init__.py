"""Fuzzing of everything that reads files from outside or decodes what a network gives: `make fuzz`.

`targets` holds one function for each parser, `seeds` makes the inputs to begin with, `one` runs a target under atheris, and
`python -m fuzz` runs them all and prints a table. What was ever found lies in `findings/`; `tests/bad_input` replays it with the corpus, of
which `keep` chooses what to add.
"""
