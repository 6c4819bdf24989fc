"""Training of the open AU bank: rendered recordings through the pipeline, then regression and a small network. `make train-open` runs it.

Nothing of this package is in a wheel, and nothing of OpenFace's files goes in.
"""
