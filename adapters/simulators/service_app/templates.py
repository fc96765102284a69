"""Pages of the sample apps; Chinese first, each with its English line."""

_TOP = """{% extends "frame" %}{% block tone %}{{ tone }}{% endblock %}
{% block brand %}{{ app.title_zh }} <small>{{ app.department_zh }}</small>{% endblock %}
{% block foot %}{{ app.title_en }} · 示例应用，所有人员均为虚构 · Sample app, all people are fictitious{% endblock %}
"""

_CONTENT = {
    "housing": """<ol class="steps"><li>登录并确认身份</li><li>填写家庭住房与收入情况</li>
<li>窗口核对证照，无需提交复印件</li><li>查看审核结果</li></ol>""",
    "business": """<ol class="steps"><li>登录并确认身份</li><li>填写企业名称与经营范围</li>
<li>刻章、税务、社保、公积金一次办理</li><li>领取电子营业执照</li></ol>""",
}

TEMPLATES = {
    "welcome": _TOP
    + """{% block title %}{{ app.title_zh }}{% endblock %}
{% block main %}<h1>{{ "申请公共租赁住房" if tone == "housing" else "开办一家企业" }}</h1>
<p class="lead">本服务使用青榆区统一实名认证登录，不另设账号。</p>
<div class="sheet"><p>办理步骤</p>{% if tone == "housing" %}"""
    + _CONTENT["housing"]
    + "{% else %}"
    + _CONTENT["business"]
    + """{% endif %}
<div class="row"><a class="button" href="/sign-in">登录办理 <span lang="en">Sign in</span></a></div></div>
<p class="lead" lang="en">Sign in with the district's real-name account to begin.</p>{% endblock %}""",
    "signed_in": _TOP
    + """{% block title %}{{ app.title_zh }}{% endblock %}
{% block main %}<h1>{{ facts.name or "您好" }}，您已登录</h1>
<p class="lead">以下是本应用从统一实名认证得到的全部信息。</p>
<div class="sheet"><dl><dt>姓名</dt><dd>{{ facts.name or "未提供" }}</dd>
<dt>实名等级</dt><dd>{{ ("未认证", "初级", "中级", "高级")[facts.level | int] if facts.level is not none else "未提供" }}</dd>
<dt>认证级别（acr）</dt><dd><code>{{ facts.acr or "未提供" }}</code></dd>
<dt>本应用中的标识</dt><dd><code>{{ facts.sub }}</code></dd></dl></div>
<p class="notice">每个应用看到的标识都不同，不能用来把您在各处的办事记录拼在一起。<br>
<span lang="en">Every app sees a different identifier for you.</span></p>
<form method="post" action="/sign-out"><input type="hidden" name="form_key" value="{{ form_key }}">
<div class="row"><button class="button plain">退出登录 <span lang="en">Sign out</span></button></div></form>{% endblock %}""",
    "signed_out": _TOP
    + """{% block title %}已退出{% endblock %}
{% block main %}<h1>您已退出登录</h1><p class="lead">本应用的登录已经结束。 <span lang="en">You are signed out.</span></p>
<div class="row"><a class="button" href="/">回到首页</a></div>{% endblock %}""",
    "failed": _TOP
    + """{% block title %}没有完成{% endblock %}
{% block main %}<h1>没有完成</h1><p class="lead">{{ reason }} <span lang="en">The sign-in was not completed.</span></p>
<p class="lead">原因：<code>{{ code }}</code></p><div class="row"><a class="button" href="/">回到首页</a></div>{% endblock %}""",
}
