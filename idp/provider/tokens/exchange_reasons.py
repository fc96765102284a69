"""Why an exchange of tokens is refused (RFC 8693 §2.2.2): a token that is not acceptable is `invalid_request` on the wire."""

from idp.provider.errors import reason

EXCHANGE_MALFORMED = reason(
    "invalid_request",
    "21150",
    400,
    title=("令牌交换请求有误", "Token exchange malformed"),
    cause=(
        "令牌交换只接受访问令牌，也只签发访问令牌；actor_token 与 actor_token_type 须同时出现。",
        "Access tokens alone are exchanged, for access tokens alone; actor_token and actor_token_type go together.",
    ),
    remedy=(
        "请按 RFC 8693 第 2.1 节发送，令牌类型均为 access_token。",
        "Send it as RFC 8693 section 2.1 describes, with access_token as every token type.",
    ),
)
SUBJECT_TOKEN_NOT_ACCEPTED = reason(
    "invalid_request",
    "21151",
    400,
    title=("主体令牌不可交换", "Subject token not accepted"),
    cause=(
        "subject_token 无效、已过期或已撤销，不是签发给该应用或它所服务的资源的，或绑定了别人的密钥。",
        "The subject_token is not valid, expired or revoked, was made for neither the client nor a resource it serves, "
        "or is bound to somebody else's key.",
    ),
    remedy=(
        "请使用工作人员所用应用发给本服务的、仍然有效的访问令牌。",
        "Use a live access token that the officer's application was given for this service.",
    ),
)
ACTOR_TOKEN_NOT_ACCEPTED = reason(
    "invalid_request",
    "21152",
    400,
    title=("行事方令牌不可用", "Actor token not accepted"),
    cause=(
        "actor_token 不是该应用自己的有效访问令牌；应用只能以自己的名义行事。",
        "The actor_token is not a live access token of the client itself; a client acts in its own name alone.",
    ),
    remedy=(
        "请去掉 actor_token，应用由客户端认证确定。",
        "Leave the actor_token out: client authentication names the actor.",
    ),
)
NO_EXCHANGE_RULE = reason(
    "invalid_request",
    "21153",
    400,
    title=("没有允许这种交换的规则", "No rule allows this exchange"),
    cause=(
        "只有本部门在岗工作人员的令牌，可由本部门的应用代为交换。",
        "Only the token of an officer in post may be exchanged, by an application of the officer's own department.",
    ),
    remedy=(
        "公民的令牌不能交换；请让应用直接请求本人授权。",
        "A citizen's token cannot be exchanged: let the application ask the person itself.",
    ),
)
TOO_MANY_ACTORS = reason(
    "invalid_request",
    "21154",
    400,
    title=("令牌转手次数过多", "Token handed on too often"),
    cause=(
        "该令牌已经过的应用数量达到上限，不能再次交换。",
        "The token has passed through as many applications as are allowed.",
    ),
    remedy=("请缩短调用链路。", "Shorten the chain of calls."),
)
EXCHANGE_NEEDS_CONSENT = reason(
    "invalid_request",
    "21155",
    400,
    title=("交换需要本人同意", "Exchange needs consent"),
    cause=(
        "该应用须经本人同意，而本人没有同意它使用所请求的权限。",
        "This client needs consent, and the person has not agreed to what it asks for.",
    ),
    remedy=(
        "请先让本人在授权页面同意，或在登记中写明免于同意的法律依据。",
        "Let the person agree on the consent page first, or register the legal basis of an exemption.",
    ),
)
