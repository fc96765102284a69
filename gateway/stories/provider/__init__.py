"""The provider's story: a department registers an app under each policy and goes through every flow with it."""
