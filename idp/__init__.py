"""Real-name persons, how they sign in, and the OpenID provider built on both. No HTML, no license."""
