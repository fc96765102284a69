"""Ways to sign in, the sessions they make, and what slows guessing down."""
