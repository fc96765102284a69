"""Why a pushed request, a request object or authorization details are refused (codes 21032 to 21049)."""

from idp.provider.errors import reason

INVALID_REQUEST_URI = reason(
    "invalid_request_uri",
    "21032",
    400,
    title=("request_uri 无效", "Request URI not valid"),
    cause=(
        "请求中的 request_uri 不存在、已过期、已使用，或不属于该应用。",
        "The request_uri of the request is unknown, expired, used, or another application's.",
    ),
    remedy=(
        "请返回应用重新发起登录；应用每次须推送新的请求。",
        "Go back to the application and start again; the application pushes a new request each time.",
    ),
)
REQUEST_URI_NOT_FETCHED = reason(
    "invalid_request_uri",
    "21033",
    400,
    title=("请求对象无法取得", "Request object cannot be fetched"),
    cause=(
        "request_uri 没有登记，或登记的地址没有给出请求对象。",
        "The request_uri is not registered, or the registered address gave no request object.",
    ),
    remedy=(
        "请应用开发者登记 request_uri，并检查该地址能否从外部访问。",
        "The application has to register its request_uri and to check that the address answers.",
    ),
)
INVALID_REQUEST_OBJECT = reason(
    "invalid_request_object",
    "21034",
    400,
    title=("请求对象无效", "Request object not valid"),
    cause=(
        "请求对象的签名、算法、签发者、受众、有效期或内容不符合要求。",
        "Signature, algorithm, issuer, audience, lifetime or content of the request object is not acceptable.",
    ),
    remedy=(
        "请应用开发者按 RFC 9101 与登记的算法和密钥签名请求对象。",
        "Sign the request object as RFC 9101 describes, with the registered algorithm and key.",
    ),
)
REQUEST_BY_TWO_WAYS = reason(
    "invalid_request",
    "21035",
    400,
    title=("请求来源不唯一", "Request sent in two ways"),
    cause=(
        "request 与 request_uri 同时出现，或推送的请求中又带了 request_uri。",
        "Request and request_uri occur together, or a pushed request carries a request_uri itself.",
    ),
    remedy=("请只用一种方式发送授权请求。", "Send the authorization request in one way alone."),
)
REQUEST_URI_NOT_ALLOWED = reason(
    "request_uri_not_supported",
    "21036",
    400,
    title=("该应用不能引用外部请求", "Request by reference not allowed"),
    cause=(
        "该应用的策略只接受推送到本服务的授权请求。",
        "The policy of the application takes only requests that were pushed to this service.",
    ),
    remedy=("请把请求推送到 /oauth/par。", "Push the request to /oauth/par."),
)
DPOP_KEY_DIFFERS = reason(
    "invalid_dpop_proof",
    "21037",
    400,
    title=("DPoP 密钥不一致", "DPoP keys differ"),
    cause=(
        "dpop_jkt 与 DPoP 证明所用的密钥不一致，或不是有效的指纹。",
        "The dpop_jkt differs from the key of the DPoP proof, or is no thumbprint.",
    ),
    remedy=("请使用同一个 DPoP 密钥。", "Use one DPoP key throughout."),
)
INVALID_AUTHORIZATION_DETAILS = reason(
    "invalid_authorization_details",
    "21039",
    400,
    title=("授权明细无效", "Authorization details not valid"),
    cause=(
        "authorization_details 的类型未知、没有登记给该应用，或某个成员缺失、多余或取值有误。",
        "A type of the authorization_details is unknown or not registered for the application, "
        "or a member is missing, unknown or has a wrong value.",
    ),
    remedy=(
        "请按 RFC 9396 与登记的类型构造 authorization_details。",
        "Build the authorization_details as RFC 9396 and the registered type describe.",
    ),
)
