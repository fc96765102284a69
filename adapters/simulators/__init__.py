"""Stand-ins for the outside systems, as real servers with their own data and faults; nothing in the product
knows of them.
"""
