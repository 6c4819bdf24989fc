"""The method's formulas: arrays in, arrays out. No files, no networks, no hooks."""
