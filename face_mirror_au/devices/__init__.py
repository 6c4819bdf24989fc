"""Where a network runs: devices are probed before they are trusted."""
