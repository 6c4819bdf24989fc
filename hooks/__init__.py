"""The contract between a face-mirroring frame loop and its plugins. Needs pluggy and NumPy only, so that a host can depend on it alone."""
