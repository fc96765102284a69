"""What a person reads once the demo is up: where to go, who to be, what to try."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def render_guide(world: Mapping[str, Any], *, seconds: float, folder: Path) -> str:
    """Return the guide in Chinese and English; everything it names comes from the world file."""
    urls, people = world["urls"], world["people"]
    officer = next(person for person in people if person["officer"])
    citizen = next(person for person in people if person["password"] and not person["officer"])
    arriving = next(person for person in people if person["arrives_through"])
    newcomer = next(person for person in people if not person["password"] and not person["arrives_through"])
    return f"""
认证 Renzheng 演示已就绪（{seconds:.1f} 秒） · the demo is up

  {urls["housing"]}  公共租赁住房资格申请 · housing app: 从这里开始 · start here
  {urls["business"]}  企业开办服务 · business app: 单点登录 · single sign-on
  {urls["issuer"]}  统一认证 · the product: 我的证照、用证记录 · licenses and who looked
  {urls["desk"]}  窗口查询（工作人员） · counter desk for officers
  {urls["sms"]}  短信发件箱 · outbox of text messages

人员（全部虚构） · people, all fictitious
  {arriving["name"]}  经省统一身份认证平台登录 · arrives through the provincial center, button “{arriving["user_name"]}”
  {citizen["name"]}  {citizen["user_name"]} / {citizen["password"]}
  {newcomer["name"]}  自行注册 · registers: {newcomer["document_number"]}, {newcomer["phone"]}
  {officer["name"]}  {officer["user_name"]} / {officer["password"]}  动态口令密钥 · TOTP secret {officer["totp_secret"]}
        动态口令 · code now: renzheng user totp {officer["totp_secret"]}
  办件 · case {world["cases"][0]["number"]}  证件号码 · holder {arriving["document_number"]}

自动演练 · play it all: .venv/bin/renzheng story main
数据与密钥 · data and keys: {folder}   停止 · stop: Ctrl-C, make demo-stop
"""
