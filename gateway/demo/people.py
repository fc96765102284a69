"""The people of the demo whom the product itself enrols. All are synthetic: born before 1915, area code
370299.

The citizen of the story, 张知明, is not among them: he arrives through the province center. Nor is 李晓禾: she
registers.
"""

from dataclasses import dataclass
from datetime import date

from adapters.simulators.world import WANG_SHOUZHENG, ZHANG_ZHIMING
from foundation.identifiers.synthetic import synthetic_resident_id


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody with an account; the password is public, since it opens nothing but a demo."""

    user_name: str
    password: str
    name: str
    document_number: str
    phone: str


@dataclass(frozen=True, slots=True)
class DemoOfficer:
    """Somebody who works for a department, by its slug."""

    person: DemoPerson
    department: str
    work_number: str
    post_zh: str
    post_en: str
    roles: tuple[str, ...]


ZHOU_JINGYAN = DemoPerson(
    user_name="zhoujingyan",
    password="Willow-Bridge-07-Morning",
    name="周静言",
    document_number=synthetic_resident_id("370299", date(1901, 2, 14), 31),
    phone="13800000005",
)
WANG = DemoPerson(
    user_name="wangshouzheng",
    password="Counter-Three-Elm-Road-12",
    name=WANG_SHOUZHENG.name,
    document_number=WANG_SHOUZHENG.document_number,
    phone="13800000003",
)
ZHANG_NUMBER = ZHANG_ZHIMING.document_number

CITIZENS = (ZHOU_JINGYAN,)
OFFICERS = (
    DemoOfficer(
        person=WANG,
        department="housing",
        work_number="ZJ-0317",
        post_zh="窗口受理员",
        post_en="counter clerk",
        roles=("desk",),
    ),
)
