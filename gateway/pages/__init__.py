"""The pages of each persona, their rendering, and what all of them share."""
