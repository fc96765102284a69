"""Why a lookup was refused or failed: every reason code of this room with its public texts.

31xxx says that the caller may not, 32xxx that the purpose does not hold, 33xxx that nothing can be
answered, 421xx that the request is not well formed. A reason is data (``ErrorCode``); the pure decision
returns it, no exception is involved.
"""
