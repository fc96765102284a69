"""The graded lookup: parse, decide, read, release, record, answer."""
