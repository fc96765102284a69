"""The public bodies of the fictional district 青榆区, with the slugs by which the rest of the demo names
them."""

from dataclasses import dataclass

from adapters.simulators.world import APPROVAL_USCC, DATA_USCC, HOUSING_USCC, MARKET_USCC


@dataclass(frozen=True, slots=True)
class DemoDepartment:
    """One department; `uscc` is its unified social credit code."""

    slug: str
    name_zh: str
    name_en: str
    uscc: str


HOUSING = "housing"
MARKET = "market"
DATA = "data"
APPROVAL = "approval"

DEPARTMENTS = (
    DemoDepartment(DATA, "青榆区数据管理局", "Qingyu District Data Bureau", DATA_USCC),
    DemoDepartment(HOUSING, "青榆区住房和城乡建设局", "Qingyu District Housing and Construction Bureau", HOUSING_USCC),
    DemoDepartment(APPROVAL, "青榆区行政审批服务局", "Qingyu District Administrative Approval Bureau", APPROVAL_USCC),
    DemoDepartment(MARKET, "青榆区市场监督管理局", "Qingyu District Market Regulation Bureau", MARKET_USCC),
)
