"""Registered applications: what is known of each, what its policy lets it do, and the keys it publishes."""
