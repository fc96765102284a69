"""31xxx: the caller, the grant or the quota does not allow this lookup."""

from foundation.problems import ErrorCode, register

NO_GRANT = register(
    ErrorCode(
        code="31001",
        status=403,
        title_zh="本单位没有用证授权",
        title_en="No grant for this department",
        cause_zh="所在单位没有任何已批准的用证授权。",
        cause_en="Your department holds no validated grant.",
        remedy_zh="请由单位管理员申请用证授权。",
        remedy_en="Ask your department's administrator to apply for a grant.",
    )
)
TYPE_NOT_GRANTED = register(
    ErrorCode(
        code="31002",
        status=403,
        title_zh="证照类型未获授权",
        title_en="License type not granted",
        cause_zh="授权中不包含所请求的证照类型。",
        cause_en="The requested license type is not part of your department's grants.",
        remedy_zh="请只查询已授权的类型，或由单位管理员申请增加。",
        remedy_en="Ask only for granted types, or have your administrator apply for this one.",
    )
)
GRADE_NOT_GRANTED = register(
    ErrorCode(
        code="31003",
        status=403,
        title_zh="查询级别超出授权",
        title_en="Grade above the grant",
        cause_zh="请求的查询级别高于授权的级别。",
        cause_en="The requested grade is higher than the granted one.",
        remedy_zh="请改用较低的级别，或由单位管理员申请提高。",
        remedy_en="Use a lower grade, or have your administrator apply for a higher one.",
    )
)
FIELD_NOT_GRANTED = register(
    ErrorCode(
        code="31004",
        status=403,
        title_zh="查询内容未获授权",
        title_en="Field not granted",
        cause_zh="至少一项所请求的内容不在授权范围内，整个请求被拒绝。",
        cause_en="At least one requested field is outside the grant, so the whole request is refused.",
        remedy_zh="请去掉未获授权的内容后重新查询。",
        remedy_en="Leave out the fields that are not granted and ask again.",
    )
)
GRANT_EXPIRED = register(
    ErrorCode(
        code="31005",
        status=403,
        title_zh="授权不在有效期内",
        title_en="Grant not in force",
        cause_zh="授权尚未生效或已经到期。",
        cause_en="The grant has not begun or has expired.",
        remedy_zh="请由单位管理员办理续期。",
        remedy_en="Have your administrator renew the grant.",
    )
)
GRANT_SUSPENDED = register(
    ErrorCode(
        code="31006",
        status=403,
        title_zh="授权已停用",
        title_en="Grant suspended or revoked",
        cause_zh="授权已被暂停或撤销。",
        cause_en="The grant has been suspended or revoked.",
        remedy_zh="请联系数据管理部门了解原因。",
        remedy_en="Contact the data authority to learn why.",
    )
)
CHANNEL_NOT_GRANTED = register(
    ErrorCode(
        code="31007",
        status=403,
        title_zh="查询渠道未获授权",
        title_en="Channel not granted",
        cause_zh="授权不允许通过当前渠道查询。",
        cause_en="The grant does not allow this channel.",
        remedy_zh="请使用授权中列明的渠道。",
        remedy_en="Use a channel named in the grant.",
    )
)
NETWORK_NOT_ALLOWED = register(
    ErrorCode(
        code="31008",
        status=403,
        title_zh="网络地址不在授权范围",
        title_en="Network not allowed",
        cause_zh="请求来自授权之外的网络。",
        cause_en="The request came from a network outside the grant.",
        remedy_zh="请从登记的网络发起查询，或由单位管理员更新登记。",
        remedy_en="Ask from a registered network, or have your administrator update the registration.",
    )
)
STRONGER_SIGN_IN_NEEDED = register(
    ErrorCode(
        code="31009",
        status=401,
        title_zh="需要更强的身份认证",
        title_en="Stronger sign-in needed",
        cause_zh="全要素查询须由工作人员本人以两种方式登录后发起。",
        cause_en="A full lookup needs the officer's own sign-in with two factors.",
        remedy_zh="请以密码和动态验证码重新登录后再查询。",
        remedy_en="Sign in again with password and one-time code, then ask again.",
    )
)
NOT_A_DEPARTMENT = register(
    ErrorCode(
        code="31010",
        status=403,
        title_zh="不是部门的令牌",
        title_en="Not a department's token",
        cause_zh="证照查询只接受部门应用或工作人员的令牌。",
        cause_en="License lookups accept only tokens of a department's application or officer.",
        remedy_zh="请使用部门应用或工作人员的访问令牌。",
        remedy_en="Use an access token of the department's application or of an officer.",
    )
)
OFFICER_UNKNOWN = register(
    ErrorCode(
        code="31011",
        status=403,
        title_zh="工作人员不可用",
        title_en="Officer not accepted",
        cause_zh="请求所指的工作人员不存在、已停用或不属于本单位。",
        cause_en="The named officer does not exist, is not active or belongs to another department.",
        remedy_zh="请填写本单位在岗工作人员的工号。",
        remedy_en="Name the work number of an active officer of your department.",
    )
)
OFFICER_BLOCKED = register(
    ErrorCode(
        code="31012",
        status=403,
        title_zh="查询已被暂停",
        title_en="Lookups are suspended",
        cause_zh="近期落空的查询过多，已暂停查询并通知审计人员。",
        cause_en="Too many recent lookups found nothing; lookups are suspended and the auditor was told.",
        remedy_zh="请联系本单位审计人员核实，或等待暂停期结束。",
        remedy_en="Ask your auditor to review it, or wait until the suspension ends.",
    )
)
OFFICER_QUOTA_USED = register(
    ErrorCode(
        code="31013",
        status=429,
        title_zh="查询过于频繁",
        title_en="Too many lookups",
        cause_zh="本人的查询次数已达上限。",
        cause_en="The officer's number of lookups has reached its limit.",
        remedy_zh="请在提示的时间之后再查询。",
        remedy_en="Ask again after the time given.",
    )
)
GRANT_QUOTA_USED = register(
    ErrorCode(
        code="31014",
        status=429,
        title_zh="授权用量已达上限",
        title_en="Grant's volume used up",
        cause_zh="该授权的查询用量已达上限。",
        cause_en="The volume of this grant is used up.",
        remedy_zh="请在提示的时间之后再查询，或申请提高用量。",
        remedy_en="Ask again after the time given, or apply for a larger volume.",
    )
)
LEGAL_BASIS_NOT_GRANTED = register(
    ErrorCode(
        code="31015",
        status=403,
        title_zh="法定依据与授权不符",
        title_en="Legal basis not granted",
        cause_zh="所填的法定依据不是该事项获批的依据。",
        cause_en="The stated legal basis is not the one granted for this matter.",
        remedy_zh="请填写授权中列明的依据，或留空。",
        remedy_en="State the basis named in the grant, or leave it out.",
    )
)
LEGALLY_BARRED = register(
    ErrorCode(
        code="31016",
        status=451,
        title_zh="依法不予共享",
        title_en="Not shared by law",
        cause_zh="该证照类型依法不予共享。",
        cause_en="This license type is not shared, by law.",
        remedy_zh="请通过法定的其他途径办理。",
        remedy_en="Use the other ways the law provides.",
    )
)
GRADE_NOT_OFFERED = register(
    ErrorCode(
        code="31017",
        status=422,
        title_zh="尚未提供原件",
        title_en="Originals are not offered yet",
        cause_zh="本系统尚未提供证照原件的调用。",
        cause_en="This system does not hand out originals yet.",
        remedy_zh="请改用核验、脱敏或全要素查询。",
        remedy_en="Use verify, masked or full.",
    )
)
WAY_NOT_OFFERED = register(
    ErrorCode(
        code="31018",
        status=422,
        title_zh="尚未提供此查询方式",
        title_en="This way of asking is not offered yet",
        cause_zh="本系统尚未提供按授权码或亮证码查询。",
        cause_en="This system does not look up by share code or presentation yet.",
        remedy_zh="请按持证主体、证照标识或证照编号查询。",
        remedy_en="Ask by holder, identifier or license number.",
    )
)
