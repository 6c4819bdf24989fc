"""The report page of one recording: left against right on one page that opens from disk, prints, and asks nothing of any network."""
