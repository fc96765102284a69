"""Why a proof of possession or of a client's identity is refused, in texts for those who run the app."""

from foundation.problems import ErrorCode, register
from idp.provider.errors import InvalidToken, TokenError, reason

INVALID_DPOP_PROOF = reason(
    "invalid_dpop_proof",
    "21120",
    400,
    title=("DPoP 证明无效", "DPoP proof not valid"),
    cause=(
        "DPoP 证明缺失、重复、已使用，或签名、时间、方法、地址不符合要求。",
        "The DPoP proof is missing, repeated, used before, or its signature, time, method or address is not right.",
    ),
    remedy=(
        "请为每次请求按 RFC 9449 第 4.2 节生成新的证明，并校准时钟。",
        "Make a new proof for every request as RFC 9449 section 4.2 describes, and set the clock right.",
    ),
)
USE_DPOP_NONCE = reason(
    "use_dpop_nonce",
    "21121",
    400,
    title=("DPoP 证明须带服务器随机数", "DPoP proof needs a server nonce"),
    cause=(
        "DPoP 证明没有带上服务器给出的随机数，或随机数已过期。",
        "The DPoP proof lacks the nonce that the server gave, or the nonce is over.",
    ),
    remedy=(
        "请用响应头 DPoP-Nonce 的值重新生成证明后重试。",
        "Make the proof again with the value of the DPoP-Nonce header and retry.",
    ),
)
BOUND_TO_ANOTHER_KEY = reason(
    "invalid_grant",
    "21122",
    400,
    title=("绑定的密钥或证书不符", "Bound to another key or certificate"),
    cause=(
        "授权码或刷新令牌绑定的密钥、证书与本次请求出示的不同。",
        "The code or the refresh token is bound to another key or certificate than the request shows.",
    ),
    remedy=(
        "请使用申请授权时的密钥或证书。",
        "Use the key or certificate of the authorization request.",
    ),
)


class UseDPoPNonce(TokenError):
    """The proof needs a nonce of ours (RFC 9449 §8); `nonce` goes into the DPoP-Nonce header."""

    def __init__(self, nonce: str) -> None:
        super().__init__(USE_DPOP_NONCE)
        self.nonce = nonce


class InvalidTokenProof(InvalidToken):
    """The access token may be good, but the request does not prove possession of its key (RFC 9449 §7.1).

    `error` is the wire name, `nonce` a fresh server nonce when the error asks for one.
    """

    error_code = register(
        ErrorCode(
            code="21220",
            status=401,
            title_zh="访问令牌的持有证明无效",
            title_en="Proof of possession not valid",
            cause_zh="访问令牌绑定了密钥，请求附带的 DPoP 证明缺失、已使用或不符合要求。",
            cause_en="The access token is bound to a key; the DPoP proof of the request is missing, used before or not right.",
            remedy_zh="请为每次请求按 RFC 9449 第 7 节生成新的证明。",
            remedy_en="Make a new proof for every request as RFC 9449 section 7 describes.",
        )
    )

    def __init__(self, detail: str, *, error: str = "invalid_dpop_proof", nonce: str | None = None) -> None:
        super().__init__(detail)
        self.error = error
        self.nonce = nonce
