"""Problems: one meaning per code, both languages, nothing private."""

import pytest

from foundation.problems import (
    ErrorCode,
    FieldProblem,
    RenzhengError,
    StorageUnavailable,
    all_error_codes,
    describe_problem,
    find_error_code,
    problem_from_code,
    register,
    render_problem,
)


def _code(code: str, status: int = 400) -> ErrorCode:
    return ErrorCode(
        code=code,
        status=status,
        title_zh="题",
        title_en="title",
        cause_zh="因",
        cause_en="cause",
        remedy_zh="法",
        remedy_en="remedy",
    )


@pytest.mark.parametrize("wrong", [_code("10000"), _code("1000"), _code("１0005"), _code("90001"), _code("49998", 200)])
def test_wrong_registrations_are_refused(wrong: ErrorCode) -> None:
    """A repeated, malformed or harmless code would make the list of codes lie; nothing is entered."""
    before = all_error_codes()
    with pytest.raises(ValueError, match="error code"):
        register(wrong)
    assert all_error_codes() == before


def test_every_code_is_complete_in_both_languages() -> None:
    """The help page of a code shows all of these texts."""
    for code in all_error_codes():
        assert all((code.title_zh, code.title_en, code.cause_zh, code.cause_en, code.remedy_zh, code.remedy_en))
        assert code.cause_zh.isascii() is False
        assert find_error_code(code.code) is code


def test_problem_document_follows_rfc_9457() -> None:
    """RFC 9457 §3: type leads to the page of the code, status is repeated, extensions never shadow members."""
    problem = describe_problem(StorageUnavailable("host db-1 refused", retry_after=3))
    body = render_problem(problem, request_id="r1", base_url="https://id.example", language="en")
    assert body == {
        "type": "https://id.example/help/errors/10002",
        "title": "Storage temporarily unavailable",
        "status": 503,
        "code": "10002",
        "request_id": "r1",
        "detail": "The database did not answer in time, and the operation was not carried out.",
        "retry_after": 3,
    }
    assert "db-1" not in str(body)


def test_chinese_is_the_first_language() -> None:
    """Without English being asked for, titles and details are Chinese."""
    problem = describe_problem(RenzhengError("x", description="具体说明", description_en="specific"))
    assert render_problem(problem, request_id="r", base_url="", language="zh-CN")["detail"] == "具体说明"
    assert render_problem(problem, request_id="r", base_url="", language="EN-us")["detail"] == "specific"


def test_unknown_exceptions_keep_their_text() -> None:
    """The message of a driver or a bug may hold anything, so it never leaves the server."""
    body = render_problem(describe_problem(KeyError("secret")), request_id="r", base_url="")
    assert (body["status"], body["code"]) == (500, "10000")
    assert "secret" not in str(body)


def test_field_problems_carry_pointers() -> None:
    """A form or a JSON body is told which member is wrong, in the language of the reader."""
    known = find_error_code("10001")
    assert known is not None
    problem = problem_from_code(known, errors=[FieldProblem("/by/holder/code", "号码不对", "wrong number")])
    body = render_problem(problem, request_id="r", base_url="", language="en")
    assert body["errors"] == [{"pointer": "/by/holder/code", "detail": "wrong number"}]
