"""Outside systems, one folder each: `wire.py` is pure, `client.py` does the I/O, and each client satisfies a
port of its consumer.
"""
