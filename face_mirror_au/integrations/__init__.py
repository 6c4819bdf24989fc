"""Binds this package to applications with a frame loop of their own."""
