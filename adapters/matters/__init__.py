"""Matters and cases (事项与办件): does this case exist, is it open, whose is it."""
