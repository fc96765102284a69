"""The pages of a signed-in officer."""
