"""The ground floor: storage, keys, ledger, identifiers and problems. It knows no login and no license."""
