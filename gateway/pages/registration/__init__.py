"""The pages of opening an account: phone, code, real name, password."""
