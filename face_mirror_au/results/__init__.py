"""What a result is: its metadata, its work folder, how it comes to its place."""
