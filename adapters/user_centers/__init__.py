"""Upper user centers, one folder per wire; every client satisfies `idp.ports.UserCenter`."""
