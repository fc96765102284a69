"""The pages of a signed-in citizen."""
