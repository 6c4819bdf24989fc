"""What comes in and goes out: pictures (PyAV, images), landmarks, tables, metadata, temporary records on disk."""
