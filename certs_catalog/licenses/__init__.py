"""Licenses as they are stored, found and registered."""
