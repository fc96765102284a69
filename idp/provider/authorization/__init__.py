"""The authorization endpoint: requests from every source, sign-in and consent between, answers in every mode."""
