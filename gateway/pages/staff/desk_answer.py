"""An answer or a refusal as the desk page shows it."""

from datetime import datetime

from starlette.requests import Request

from certs_catalog.lookup.outcomes import Answer, LicenseResult, Refusal
from certs_catalog.vocabulary import Grade, LicenseStatus
from gateway.i18n import Language, mark, translator
from gateway.pages.citizen.cards import shown_value
from gateway.pages.formats import Formats
from gateway.requests import language_of, parts_of
from idp.people.directory import Department, Officer

_STATUS_WORDS = {
    LicenseStatus.VALID: mark("有效"),
    LicenseStatus.NOT_ACTIVE: mark("尚未生效"),
    LicenseStatus.SUSPENDED: mark("已冻结"),
    LicenseStatus.EXPIRED: mark("已过期"),
    LicenseStatus.REPLACED: mark("已换发"),
    LicenseStatus.CANCELLED: mark("已注销"),
    LicenseStatus.WITHDRAWN: mark("已撤回"),
    LicenseStatus.REVOKED: mark("已吊销"),
    LicenseStatus.INVALID: mark("无效"),
    LicenseStatus.OTHER: mark("状态不明"),
}


def answer_words(request: Request, answer: Answer, grade: Grade) -> dict[str, object]:
    """Return the data of a result; with several licenses each begins with a line of its own."""
    language = language_of(request)
    words = translator(language)
    many = len(answer.results) > 1
    lines: list[tuple[object, object]] = []
    facts: list[tuple[object, bool]] = []
    for number, result in enumerate(answer.results, start=1):
        if many:
            lines.append((words.text(mark("第 {number} 本"), number=number), status_word(result, language)))
        lines += [
            (entry.label_en if language == "en" else entry.label_zh, shown_value(entry.value))
            for entry in result.fields.values()
        ]
        facts += [(_fact_label(request, result, name), agrees) for name, agrees in result.facts.items()]
    first = answer.results[0]
    return {
        "verdict": all(result.status == LicenseStatus.VALID for result in answer.results),
        "verdict_words": status_word(first, language)
        if not many
        else words.text(mark("查到 {count} 本"), count=len(answer.results)),
        "checked_at": answer.answered_at,
        "source": _source_words(answer, language),
        "license": first.type_name_en if language == "en" else first.type_name_zh,
        "grade": grade.word,
        "lines": lines,
        "facts": facts,
        "receipt": answer.lookup_id,
        "receipt_jws": answer.receipt,
        "position": answer.position,
        "sealed_at": None,
        "field_count": len({name for result in answer.results for name in result.fields}),
    }


def refusal_words(refusal: Refusal, language: Language) -> dict[str, object]:
    """Return the data of a refusal: the registered texts and the code, nothing about the license."""
    english, reason = language == "en", refusal.reason
    return {
        "code": reason.code,
        "title": reason.title_en if english else reason.title_zh,
        "reason": reason.cause_en if english else reason.cause_zh,
        "next_step": reason.remedy_en if english else reason.remedy_zh,
        "receipt": refusal.lookup_id,
        "position": refusal.position,
    }


def watermark(department: Department | None, officer: Officer | None, at: datetime) -> str:
    """Return who, where and when: it survives print-outs and photos of the screen."""
    who = officer.work_number if officer is not None else ""
    where = department.name_zh if department is not None else ""
    return f"{where} {who} {Formats('zh-CN').moment(at)}".strip()


def status_word(result: LicenseResult, language: Language) -> str:
    """Return the status of a license in words."""
    return str(translator(language).text(_STATUS_WORDS.get(LicenseStatus(result.status), mark("状态不明"))))


def _source_words(answer: Answer, language: Language) -> str:
    words, formats = translator(language), Formats(language)
    source = answer.source
    name = source.from_en if language == "en" else source.from_zh
    if source.mode == "live":
        return str(words.text(mark("{source}，实时取得"), source=name))
    return str(words.text(mark("{source}，{age}前的数据"), source=name, age=formats.duration(max(1, source.age_s))))


def _fact_label(request: Request, result: LicenseResult, name: str) -> str:
    zh, en = parts_of(request).licenses.catalog.field_labels(result.type_code, name)
    return en if language_of(request) == "en" else zh
