"""Tests of the OpenID provider: over HTTP in process, on both stacks."""
