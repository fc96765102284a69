"""Who runs this site: the names, numbers and footer slots that a district sets by configuration."""

from dataclasses import dataclass

from gateway.pages.paths import PATHS


@dataclass(frozen=True, slots=True)
class Wording:
    """One configured text in both languages; the English may be absent, then the Chinese is shown."""

    zh: str
    en: str = ""

    def in_language(self, language: str) -> str:
        """Return the text for ``language`` (``zh-CN`` or ``en``)."""
        return self.en if language == "en" and self.en else self.zh


@dataclass(frozen=True, slots=True)
class FooterLink:
    """A slot of the footer, such as 网站地图; ``href`` is a path of this site or a full address."""

    wording: Wording
    href: str


DEFAULT_FOOTER = (
    FooterLink(Wording("网站地图", "Site map"), PATHS.sitemap),
    FooterLink(Wording("无障碍声明", "Accessibility"), PATHS.accessibility),
    FooterLink(Wording("隐私说明", "Privacy"), PATHS.privacy),
    FooterLink(Wording("账本", "Ledger"), PATHS.ledger),
    FooterLink(Wording("错误码大全", "Error codes"), PATHS.error_codes),
)
"""The help pages that every installation has."""


@dataclass(frozen=True, slots=True)
class SiteIdentity:
    """What the header and the footer of every page say about the site. The defaults are the fictional 青榆区."""

    brand: Wording = Wording("认证", "Renzheng")
    product_line: Wording = Wording("青榆区实名认证与电子证照", "Qingyu District real-name sign-in and e-licenses")
    district: Wording = Wording("青榆区", "Qingyu District")
    organiser: Wording = Wording("青榆区数据管理局", "Qingyu District Data Bureau")
    hotline: str = "12345"
    service_center: Wording = Wording(
        "青榆区政务服务中心一楼 3 号窗口", "counter 3, ground floor, Qingyu District Government Service Center"
    )
    service_hours: Wording = Wording("工作日 9:00–17:00", "working days 9:00–17:00")
    site_code: str = "0000000000"
    filing_number: Wording = Wording("示例备〔2026〕0001 号", "Sample filing [2026] No. 0001")
    verify_address: str = ""
    environment: str = "sandbox"
    """``sandbox`` or ``production``: shown in the bar of staff, developers and administrators."""
    footer_links: tuple[FooterLink, ...] = DEFAULT_FOOTER
