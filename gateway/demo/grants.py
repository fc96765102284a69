"""What the departments of the demo may read: already validated grants, so that every grade and every
refusal can be shown."""

from datetime import datetime, timedelta

from adapters.simulators.world import HOUSING_MATTER
from certs_catalog.grants.content import GrantContent, PurposeGrant, TypeGrant
from certs_catalog.vocabulary import Grade
from gateway.demo.departments import HOUSING
from gateway.demo.licenses import REAL_ESTATE_CERTIFICATE, REAL_ESTATE_TITLE, RESIDENT_ID_CARD, ROAD_DRIVER

HOUSING_GRANT_TITLE = "公共租赁住房资格审核"
# The longest term that a grant may have is 18 months.
_TERM = timedelta(days=540)


def housing_grant(department_id: str, now: datetime) -> GrantContent:
    """Return the grant of the housing bureau for checking applications for public rental housing.

    Left out on purpose: `address` of the identity card and `unit_number` of the title (ungranted fields),
    `full` for the identity
    card (higher grade), 二级建造师 (a type without grant).
    """
    return GrantContent(
        department_id=department_id,
        title=HOUSING_GRANT_TITLE,
        types=(
            TypeGrant(
                REAL_ESTATE_TITLE,
                Grade.FULL,
                (
                    "holder_name",
                    "holder_number",
                    "co_ownership",
                    "location",
                    "usage",
                    "floor_area",
                    "license_number",
                    "issuer_name",
                    "issue_date",
                ),
            ),
            TypeGrant(REAL_ESTATE_CERTIFICATE, Grade.VERIFY, ("holder_name", "right_kind")),
            TypeGrant(
                RESIDENT_ID_CARD,
                Grade.MASKED,
                ("holder_name", "holder_number", "sex", "birth_date", "issuer_name", "valid_from", "valid_to"),
            ),
            TypeGrant(
                ROAD_DRIVER,
                Grade.MASKED,
                ("holder_name", "service_kind", "vehicle_class", "issuer_name", "valid_from", "valid_to"),
            ),
        ),
        purposes=(
            PurposeGrant(
                matter_code=HOUSING_MATTER,
                matter_name_zh="公共租赁住房资格申请",
                matter_name_en="Application for public rental housing",
                legal_basis="LB-GZF@1",
                legal_basis_text="《公共租赁住房管理办法》（住房和城乡建设部令第11号）第八条",
            ),
        ),
        channels=("api", "desk"),
        networks=(),
        daily_volume=2_000,
        rate_per_minute=600,
        valid_from=now - timedelta(days=1),
        valid_to=now - timedelta(days=1) + _TERM,
        contacts=("青榆区住房和城乡建设局 住房保障科",),
        retention_days=180,
    )


GRANTS = {HOUSING: housing_grant}
"""The grants by the slug of the department that holds them."""
