"""Persons, accounts, evidence of who they are, departments and officers."""
