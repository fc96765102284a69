"""Tokens of every kind: made, read, refreshed, described and ended."""
