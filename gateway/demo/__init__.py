"""The demo: the whole product on loopback with simulators, sample apps and synthetic people."""
