"""What tokens open: the resources that the provider knows, and the userinfo endpoint, which is one of them."""
