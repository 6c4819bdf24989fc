"""Tables: their columns, writers, readers and other forms."""
