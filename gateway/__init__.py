"""The product: settings, composition, HTTP security, the API, and the pages of every persona."""
