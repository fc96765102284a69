"""Signing out: RP-initiated, back-channel, front-channel, and session management."""
