"""The `certshare` wire of the Shandong city and province license libraries (docs/adapters/certshare.md)."""
