"""Tests of the license room."""
