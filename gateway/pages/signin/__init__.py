"""The pages of signing in: password, text message code, one-time password, upper user centers."""
