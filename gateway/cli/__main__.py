"""`python -m gateway.cli`, which is how the demo starts its own processes whatever the search path says."""

from gateway.cli.main import app

app()
