"""What the browser is told after an authorization request or one of its later steps."""

from dataclasses import dataclass

from idp.provider.clients.registry import ClientView
from idp.vocabulary import RealNameLevel, SignInStrength


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the browser to `url`, with status 303 so that a POST never repeats there.

    `browser_state` is set when the answer tells an app about the session: it then goes into the cookie of that name.
    """

    url: str
    browser_state: str | None = None


@dataclass(frozen=True, slots=True)
class FormPost:
    """Let the browser post `fields` to `action` (OAuth 2.0 Form Post Response Mode).

    Values are raw, escape them. `is_refusal` says that they carry an error; `browser_state` is that of `Redirect`.
    """

    action: str
    fields: tuple[tuple[str, str], ...]
    is_refusal: bool = False
    browser_state: str | None = None


@dataclass(frozen=True, slots=True)
class Leaving:
    """Show who asks, with a link to `url` that the person may follow: a refusal for an app at which nobody has looked yet.

    Sent on unasked, it would be a redirect from our trusted address to wherever that app likes (RFC 9700 §4.11.2).
    """

    url: str
    client: ClientView


@dataclass(frozen=True, slots=True)
class SignInNeeded:
    """The person has to sign in, then the transaction is resumed. `anew`: a live session is not enough."""

    transaction_id: str
    client: ClientView
    level: RealNameLevel
    strength: SignInStrength
    anew: bool
    login_hint: str | None
    ui_locales: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AskedClaim:
    """One claim on the consent page; `value` is masked and may be empty."""

    name: str
    label_zh: str
    label_en: str
    value: str


@dataclass(frozen=True, slots=True)
class AskedItem:
    """One thing to agree to.

    `item` is what `decide_consent` takes back; `agreed_before` says that it is not new, `optional` that
    it may be left out. `purpose` is the app's own text, None when it gave none: escape it.
    """

    item: str
    title_zh: str
    title_en: str
    claims: tuple[AskedClaim, ...]
    agreed_before: bool
    optional: bool
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentView:
    """The consent page: who asks for what. `redirect_origin` belongs into the page's `form-action`."""

    client: ClientView
    items: tuple[AskedItem, ...]
    redirect_origin: str


@dataclass(frozen=True, slots=True)
class ConsentNeeded:
    """The person has to agree, then `decide_consent` is called with the same transaction."""

    transaction_id: str
    view: ConsentView


@dataclass(frozen=True, slots=True)
class ErrorShown:
    """An error page: there is no address that may be trusted with the answer. Status 400, no redirect."""

    error: str
    code: str
    title_zh: str
    title_en: str
    description: str
    description_en: str
    remedy_zh: str
    remedy_en: str
    client: ClientView | None


AuthorizationOutcome = Redirect | FormPost | Leaving | SignInNeeded | ConsentNeeded | ErrorShown
