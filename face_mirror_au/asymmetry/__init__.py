"""Left against right: measures of two sides of one face. Arrays in, numbers out; left and right are always the SUBJECT's."""
