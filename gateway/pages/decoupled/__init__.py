"""The pages on which people answer what was asked on another device."""
