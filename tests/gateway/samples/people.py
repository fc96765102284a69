"""Who and what the sample pages show. The people do not exist: their document numbers carry birth years before 1915, masked."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.pages.viewer import Viewer

NOW = datetime(2026, 5, 18, 2, 32, 7, tzinfo=UTC)

CITIZEN = Viewer(
    persona="citizen", name="张*明", number="3702**********0012", session_ends_at=NOW + timedelta(minutes=15)
)

COMPANY = Viewer(
    persona="citizen",
    name="张*明",
    organization="青榆松涛商贸有限公司",
    organization_role="您是经办人，到 2026年12月31日",
)

OFFICER = Viewer(persona="officer", name="王守正", work_number="Z0107", post="青榆区住房和城乡建设局 3 号窗口")

HOUSING = {
    "name": "公共租赁住房资格申请",
    "department": "青榆区住房和城乡建设局",
    "domain": "gzf.qingyu.example",
    "reviewed": True,
    "by_law": False,
    "policy": {"href": "https://gzf.qingyu.example/privacy", "host": "gzf.qingyu.example"},
    "terms": {"href": "https://gzf.qingyu.example/terms", "host": "gzf.qingyu.example"},
}

BUSINESS = {
    "name": "企业开办服务",
    "department": "青榆区市场监督管理局",
    "domain": "qyfw.qingyu.example",
    "reviewed": False,
}


@dataclass(frozen=True)
class Sample:
    """One page: a template, the name of its state, and the data a handler would give it."""

    template: str
    state: str
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """A name for test reports and files."""
        return f"{self.template.removesuffix('.html')}-{self.state}"
