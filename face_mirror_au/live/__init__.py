"""A camera, or a file played like one: online values as they come, always the newest picture, provisional by nature."""
