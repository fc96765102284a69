"""Identity proofing: does this name belong to this document number (身份信息核验)."""
