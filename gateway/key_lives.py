"""The lives of signing keys as settings. The bounds keep every promise that relying parties rely on.

A successor is published for longer than anybody may keep the key set (15 minutes), and a predecessor stays published for longer than
the longest token lives after it (an hour) and the key set is kept together (OpenID Connect Core §10.1.1).
"""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from foundation.signing import PurposePolicy, RotationPolicy


class KeyLives(BaseModel):
    """How long signing keys are published, sign and stay; what is changed counts for the keys that are made from then on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    publish_lead: timedelta = Field(
        timedelta(hours=24),
        ge=timedelta(hours=1),
        le=timedelta(days=3),
        description="How long a key is published before it signs.",
    )
    token_signing_life: timedelta = Field(
        timedelta(days=60),
        ge=timedelta(days=7),
        le=timedelta(days=90),
        description="How long a key signs tokens, or is offered to encrypt to.",
    )
    token_overlap: timedelta = Field(
        timedelta(days=2),
        ge=timedelta(hours=2),
        le=timedelta(days=30),
        description="How long a key stays published after it signed its last token, or decrypts after it was last offered.",
    )
    proof_signing_life: timedelta = Field(
        timedelta(days=60),
        ge=timedelta(days=7),
        le=timedelta(days=90),
        description="How long a key signs receipts and checkpoints; it stays published for ever.",
    )

    def policy(self) -> RotationPolicy:
        """Return the plan of rotation for these lives."""
        lead, proofs = self.publish_lead, self.proof_signing_life
        return RotationPolicy(
            (
                PurposePolicy(
                    "oidc", ("ES256", "RS256", "PS256", "EdDSA"), lead, self.token_signing_life, self.token_overlap
                ),
                PurposePolicy("receipt", ("EdDSA",), lead, proofs, None),
                PurposePolicy("checkpoint", ("EdDSA",), lead, proofs, None),
                PurposePolicy(
                    "encryption", ("RSA-OAEP-256", "ECDH-ES"), lead, self.token_signing_life, self.token_overlap
                ),
            )
        )
