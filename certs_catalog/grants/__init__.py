"""Grants: what a department may read, in immutable validated versions."""
