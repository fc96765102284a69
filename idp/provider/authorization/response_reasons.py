"""Why an answer cannot be given the way it was asked for."""

from idp.provider.errors import reason

NONCE_MISSING = reason(
    "invalid_request",
    "21050",
    400,
    title=("缺少 nonce", "Nonce missing"),
    cause=(
        "经浏览器返回 ID 令牌的请求必须带 nonce。",
        "A request for an ID token in the authorization response needs a nonce.",
    ),
    remedy=(
        "请在请求中带上随机的 nonce，并在 ID 令牌中核对。",
        "Send a random nonce and compare it with the ID token.",
    ),
)
CLIENT_KEY_UNAVAILABLE = reason(
    "invalid_client_metadata",
    "21051",
    400,
    title=("取不到应用的加密公钥", "No key to encrypt to"),
    cause=(
        "应用登记了加密的回复，但其登记的密钥中没有可用的加密公钥，或密钥地址没有应答。",
        "The application registered for encrypted answers, but none of its keys can be encrypted to, or its key address does not answer.",
    ),
    remedy=(
        "请应用开发者检查 jwks 或 jwks_uri 中用途为 enc 的公钥。",
        "The application has to publish a usable key of use enc in jwks or at jwks_uri.",
    ),
)
