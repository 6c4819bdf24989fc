"""OpenFace's constrained local models, arrays in and arrays out: experts look at the picture, a fit follows them."""
