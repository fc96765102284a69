"""One module per grant type of the token endpoint: what it spends, checks and issues."""
