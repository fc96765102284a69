"""Where every page lives. Handlers register these paths and templates link to them, so that they cannot drift apart."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paths:
    """The paths of the pages, relative to the origin; templates see the one instance as ``path``."""

    home: str = "/"
    login: str = "/login"
    login_sms: str = "/login/sms"
    login_sms_code: str = "/login/sms/code"
    login_identity: str = "/login/identity"
    login_totp: str = "/login/totp"
    staff_login: str = "/staff/login"
    recover: str = "/recover"
    recover_code: str = "/recover/code"
    recover_password: str = "/recover/password"
    register: str = "/register"
    register_code: str = "/register/code"
    register_identity: str = "/register/identity"
    register_password: str = "/register/password"
    register_done: str = "/register/done"
    sign_in_continue: str = "/sign-in/continue"
    centers: str = "/sign-in/centers"
    center_arrival: str = "/sign-in/arrival"
    consent: str = "/consent"
    device: str = "/device"
    device_confirm: str = "/device/confirm"
    confirmations: str = "/confirmations"
    licenses: str = "/licenses"
    accesses: str = "/accesses"
    connected: str = "/connected"
    account: str = "/account"
    desk: str = "/desk"
    desk_history: str = "/desk/history"
    logout: str = "/logout"
    logged_out: str = "/logout/done"
    session_extend: str = "/session/extend"
    preferences: str = "/preferences"
    error_codes: str = "/help/errors"
    accessibility: str = "/help/accessibility"
    privacy: str = "/help/privacy"
    sitemap: str = "/help/sitemap"
    ledger: str = "/help/ledger"
    static: str = "/static"


PATHS = Paths()
