"""OpenID Connect for Identity Assurance 1.0: claims about a person together with how, when and by whom they were verified."""
