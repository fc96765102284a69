"""Password hashing at the least that the algorithm allows, for the operation that is compared with hashing left out.

Argon2id (RFC 9106 §3.1) needs 8 KiB and one pass, some hundredths of a millisecond; the product's settings refuse less than 8 MiB, and
keep doing so. The password is still counted, queued, handed to the pool and verified. Nothing of this is in the product.
"""

from foundation.entropy import Entropy
from idp.signin import entrance
from idp.signin.limits import SignInLimits
from idp.signin.passwords import PasswordHasher

LEAST_MEMORY_KIB = 8


class LightHasher(PasswordHasher):
    """The product's hasher with a cost that its settings do not allow."""

    def __init__(self, limits: SignInLimits, *, entropy: Entropy) -> None:
        cost = {"argon2_memory_kib": LEAST_MEMORY_KIB, "argon2_iterations": 1, "argon2_lanes": 1}
        super().__init__(limits.model_copy(update=cost), entropy=entropy)


def hash_lightly() -> None:
    """Give every entrance that this process opens from now on the light hasher; a first sign-in renews the stored hash."""
    vars(entrance)["PasswordHasher"] = LightHasher
