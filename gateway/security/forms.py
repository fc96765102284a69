"""Reading an urlencoded form strictly: one value a field, UTF-8, no other media type."""

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

from foundation.problems import ErrorCode, RenzhengError, register

MAX_FIELDS = 200
MEDIA_TYPE = b"application/x-www-form-urlencoded"


class MalformedForm(RenzhengError):
    """The body is not one plain form: wrong media type, broken encoding, too many or repeated fields."""

    error_code = register(
        ErrorCode(
            code="40001",
            status=400,
            title_zh="表单内容无法识别",
            title_en="The form cannot be read",
            cause_zh="提交的内容不完整、重复或编码有误，系统没有处理。",
            cause_en="What was sent is incomplete, repeated or wrongly encoded; nothing was done with it.",
            remedy_zh="请返回上一页刷新后重新填写。",
            remedy_en="Please go back, reload the page and fill in the form again.",
        )
    )


class ForeignForm(RenzhengError):
    """The form was not sent from a page of ours to this browser."""

    error_code = register(
        ErrorCode(
            code="40002",
            status=403,
            title_zh="页面已失效",
            title_en="This page is no longer valid",
            cause_zh="无法确认这次提交来自本站页面，可能是页面打开太久，或浏览器没有保存 Cookie。系统没有执行任何操作。",
            cause_en="It could not be confirmed that this was sent from a page of this site; the page may have been open "
            "too long, or the browser keeps no cookies. Nothing was done.",
            remedy_zh="请返回上一页刷新后再提交；如仍失败，请允许本站使用 Cookie。",
            remedy_en="Please go back, reload the page and send it again. If it still fails, allow cookies for this site.",
        )
    )


class Form(Mapping[str, str]):
    """The fields of one form; `all(name)` gives repeated ones, which only check boxes may be."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> str:
        values = self._values[name]
        if len(values) > 1:
            raise MalformedForm("repeated field")
        return values[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def all(self, name: str) -> list[str]:
        """Return every value of a field that may repeat, in order."""
        return list(self._values.get(name, ()))

    def text(self, name: str) -> str:
        """Return the value of a field without surrounding white space, empty when it is missing."""
        return self.get(name, "").strip()


def parse_form(body: bytes, content_type: bytes) -> Form:
    """Parse an urlencoded body; raises MalformedForm."""
    if content_type.split(b";")[0].strip().lower() != MEDIA_TYPE:
        raise MalformedForm("media type")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MAX_FIELDS
        )
    except (UnicodeError, ValueError) as broken:
        raise MalformedForm("encoding or number of fields") from broken
    return Form(pairs)
