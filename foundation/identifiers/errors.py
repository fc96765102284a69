"""The errors of Chinese identifiers: one class, one registered code for each way a value can be wrong.

No error carries the value itself, since most of these values are personal.
"""

from typing import ClassVar

from foundation.problems import ErrorCode, RenzhengError, register


class InvalidIdentifier(RenzhengError):
    """A value is not a valid identifier of its kind; subclasses say in which way."""

    error_code: ClassVar[ErrorCode] = register(
        ErrorCode(
            code="41000",
            status=400,
            title_zh="号码无效",
            title_en="Invalid identifier",
            cause_zh="填写的号码不符合该类号码的规则。",
            cause_en="The value does not follow the rules of its kind of identifier.",
            remedy_zh="请对照证件重新填写。",
            remedy_en="Please compare it with the document and enter it again.",
        )
    )


class IllegalCharacters(InvalidIdentifier):
    """The value holds characters its standard does not allow, full-width digits among them."""

    error_code = register(
        ErrorCode(
            code="41001",
            status=400,
            title_zh="号码含有不允许的字符",
            title_en="Characters not allowed",
            cause_zh="号码中有不允许的字符，或长度不对。请使用半角数字和大写字母。",
            cause_en=(
                "The value has a wrong length or holds characters that are not allowed. Use plain digits and "
                "capital letters."
            ),
            remedy_zh="请用半角字符重新填写，不要带空格或其他符号。",
            remedy_en="Please enter it again in plain characters without spaces or other signs.",
        )
    )


class WrongCheckCharacter(InvalidIdentifier):
    """The check character does not agree with the rest, so at least one character was mistyped."""

    error_code = register(
        ErrorCode(
            code="41002",
            status=400,
            title_zh="号码校验不通过",
            title_en="Check character does not agree",
            cause_zh="号码的校验位与其余各位不符，可能有一位填错。",
            cause_en=(
                "The check character does not agree with the other characters; one of them is probably mistyped."
            ),
            remedy_zh="请逐位核对后重新填写。",
            remedy_en="Please compare it character by character and enter it again.",
        )
    )


class ImpossibleBirthDate(InvalidIdentifier):
    """The birth date inside a citizen number does not exist or lies in the future."""

    error_code = register(
        ErrorCode(
            code="41003",
            status=400,
            title_zh="号码中的出生日期不存在",
            title_en="Birth date does not exist",
            cause_zh="号码第7至14位的出生日期不存在或晚于今天。",
            cause_en="Positions 7 to 14 hold a birth date that does not exist or lies in the future.",
            remedy_zh="请核对号码中的出生日期。",
            remedy_en="Please check the birth date inside the number.",
        )
    )


class UnknownAreaCode(InvalidIdentifier):
    """The first two digits are not a province-level division."""

    error_code = register(
        ErrorCode(
            code="41004",
            status=400,
            title_zh="号码中的行政区划不存在",
            title_en="Unknown area code",
            cause_zh="号码开头的行政区划代码不存在。",
            cause_en="The area code at the beginning does not exist.",
            remedy_zh="请核对号码的前六位。",
            remedy_en="Please check the first six digits.",
        )
    )


class UnknownIdentifierType(InvalidIdentifier):
    """The holder-code type is not in the list of GB/T 36903 annex A."""

    error_code = register(
        ErrorCode(
            code="41005",
            status=400,
            title_zh="证件类型不支持",
            title_en="Unknown document type",
            cause_zh="证件类型代码不在支持的范围内。",
            cause_en="The document type code is not supported.",
            remedy_zh="请从列表中选择证件类型。",
            remedy_en="Please choose a document type from the list.",
        )
    )


class InvalidPhoneNumber(InvalidIdentifier):
    """The value is not a mobile number of the Chinese mainland."""

    error_code = register(
        ErrorCode(
            code="41006",
            status=400,
            title_zh="手机号码无效",
            title_en="Invalid mobile number",
            cause_zh="请填写中国内地11位手机号码。",
            cause_en="Enter an 11-digit mobile number of the Chinese mainland.",
            remedy_zh="请核对后重新填写，例如以1开头的11位数字。",
            remedy_en="Please check it and enter it again: 11 digits, beginning with 1.",
        )
    )


class InvalidPersonName(InvalidIdentifier):
    """The value cannot be a person's name: empty, too long, or with characters no name holds."""

    error_code = register(
        ErrorCode(
            code="41007",
            status=400,
            title_zh="姓名无效",
            title_en="Invalid name",
            cause_zh="姓名为空、超过50个字，或含有姓名中不会出现的字符。",
            cause_en="The name is empty, longer than 50 characters, or holds characters that no name holds.",
            remedy_zh="请按证件上的姓名填写；少数民族姓名中间请用“·”。",
            remedy_en=(
                "Please enter the name as printed on the document; join its parts with “·” where the document does."
            ),
        )
    )
