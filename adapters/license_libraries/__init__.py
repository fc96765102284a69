"""Upper license libraries, one folder per wire; every client satisfies
`certs_catalog.ports.LicenseLibrary`.
"""
