"""Every page, by path and method, as one literal list."""

from starlette.routing import BaseRoute, Route

from gateway.pages import consent, oauth_pages, sessions, sign_out
from gateway.pages import help as help_pages
from gateway.pages.citizen import accesses, account, connected, home, licenses
from gateway.pages.decoupled import answering, confirmations, device
from gateway.pages.modes import change_preferences
from gateway.pages.paths import PATHS
from gateway.pages.registration import identity, password, phone
from gateway.pages.signin import centers, entry, login, recovery, second_factor, sms
from gateway.pages.staff import desk, history
from gateway.pages.static_files import static_route


def page_routes() -> list[BaseRoute]:
    """Return the routes of all pages and of the files they load."""
    return [
        static_route(),
        Route(PATHS.home, home.show_home),
        Route(PATHS.login, login.show_login),
        Route(PATHS.login, login.log_in, methods=["POST"]),
        Route(PATHS.staff_login, login.show_staff_login),
        Route(PATHS.staff_login, login.staff_log_in, methods=["POST"]),
        Route(PATHS.login_sms, sms.show_phone),
        Route(PATHS.login_sms, sms.send_code, methods=["POST"]),
        Route(PATHS.login_sms_code, sms.show_code),
        Route(PATHS.login_sms_code, sms.check_code, methods=["POST"]),
        Route(PATHS.login_identity, sms.show_identity),
        Route(PATHS.login_identity, sms.check_identity, methods=["POST"]),
        Route(PATHS.login_totp, second_factor.show_totp),
        Route(PATHS.login_totp, second_factor.check_totp, methods=["POST"]),
        Route(PATHS.recover, recovery.show_phone),
        Route(PATHS.recover, recovery.send_code, methods=["POST"]),
        Route(PATHS.recover_code, recovery.show_code),
        Route(PATHS.recover_code, recovery.check_code, methods=["POST"]),
        Route(PATHS.recover_password, recovery.show_password),
        Route(PATHS.recover_password, recovery.set_password, methods=["POST"]),
        Route(PATHS.sign_in_continue, entry.continue_authorization),
        Route(f"{PATHS.centers}/{{name}}", centers.go_to_center, methods=["POST"]),
        Route(f"{PATHS.centers}/{{name}}/callback", centers.come_back),
        Route(PATHS.center_arrival, centers.show_arrival),
        Route(PATHS.center_arrival, centers.answer_arrival, methods=["POST"]),
        Route(PATHS.register, phone.show_phone),
        Route(PATHS.register, phone.send_code, methods=["POST"]),
        Route(PATHS.register_code, phone.show_code),
        Route(PATHS.register_code, phone.check_code, methods=["POST"]),
        Route(PATHS.register_identity, identity.show_identity),
        Route(PATHS.register_identity, identity.check_identity, methods=["POST"]),
        Route(PATHS.register_password, password.show_password),
        Route(PATHS.register_password, password.set_password, methods=["POST"]),
        Route(PATHS.register_done, password.show_done),
        Route(PATHS.consent, consent.show_consent),
        Route(PATHS.consent, consent.answer_consent, methods=["POST"]),
        Route(PATHS.device, device.show_device),
        Route(PATHS.device, device.enter_code, methods=["POST"]),
        Route(PATHS.device_confirm, device.show_device_request),
        Route(PATHS.device_confirm, device.answer_device_request, methods=["POST"]),
        Route(PATHS.confirmations, confirmations.show_confirmations),
        Route(f"{PATHS.confirmations}/done", answering.show_answered),
        Route(f"{PATHS.confirmations}/{{request_id}}", confirmations.show_confirmation),
        Route(f"{PATHS.confirmations}/{{request_id}}", confirmations.answer_confirmation_page, methods=["POST"]),
        Route(PATHS.licenses, licenses.show_licenses),
        Route(f"{PATHS.licenses}/{{license_id}}", licenses.show_license),
        Route(PATHS.accesses, accesses.show_accesses),
        Route(f"{PATHS.accesses}/export", accesses.export_accesses),
        Route(PATHS.connected, connected.show_connected),
        Route(PATHS.connected, connected.change_connected, methods=["POST"]),
        Route(PATHS.account, account.show_account),
        Route(PATHS.account, account.set_new_password, methods=["POST"]),
        Route(PATHS.desk, desk.show_desk),
        Route(PATHS.desk, desk.use_desk, methods=["POST"]),
        Route(PATHS.desk_history, history.show_history),
        Route(PATHS.logout, sign_out.show_sign_out),
        Route(PATHS.logout, oauth_pages.sign_out, methods=["POST"]),
        Route(PATHS.logged_out, sign_out.show_signed_out),
        Route(PATHS.session_extend, sessions.extend_session, methods=["POST"]),
        Route(PATHS.preferences, change_preferences, methods=["POST"]),
        Route(PATHS.error_codes, help_pages.show_error_codes),
        Route(f"{PATHS.error_codes}/{{code}}", help_pages.show_error_code),
        Route(PATHS.ledger, help_pages.show_ledger),
        Route(PATHS.accessibility, help_pages.show_accessibility),
        Route(PATHS.privacy, help_pages.show_privacy),
        Route(PATHS.sitemap, help_pages.show_sitemap),
    ]
