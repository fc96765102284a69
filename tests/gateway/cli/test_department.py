"""`renzheng department`, on both stacks: a real installation begins with one."""

from foundation.identifiers.synthetic import synthetic_social_credit_code
from gateway.cli.exit_codes import ExitCode
from tests.gateway.cli.conftest import Finished, Installation

USCC = synthetic_social_credit_code("370299", 77, registration="11")
OTHER = synthetic_social_credit_code("370299", 78, registration="11")


def add(installation: Installation, slug: str, uscc: str, *more: str) -> Finished:
    """Add a department with this slug and code."""
    names = ("--name-zh", "青榆区教育局", "--name-en", "Qingyu District Education Bureau")
    return installation.run("department", "add", slug, *names, "--uscc", uscc, *more)


def test_an_application_belongs_to_a_department_that_was_added(installation: Installation) -> None:
    """It is on record, listed under its parent, and may have an application and an officer at once."""
    assert add(installation, "education", USCC, "--parent", "data").code == ExitCode.DONE
    listed = installation.run("department", "list", "--json").value["departments"]
    (mine,) = [one for one in listed if one["slug"] == "education"]
    assert (mine["uscc"], mine["parent"], mine["name_zh"]) == (USCC, "data", "青榆区教育局")
    assert installation.kinds()[-1] == "department.added"
    client = installation.run(
        *("client", "add", "xxzc", "--name-zh", "学校注册", "--name-en", "Schools", "--department", "education"),
        *("--redirect-uri", "https://xxzc.example/callback"),
    )
    assert client.code == ExitCode.DONE, client.err


def test_what_must_be_unique_or_valid_is_refused(installation: Installation) -> None:
    """A taken slug or code is in the way; a wrong code, slug or parent is said to be wrong, and nothing is added."""
    assert add(installation, "education", USCC).code == ExitCode.DONE
    before = installation.kinds()
    assert add(installation, "education", OTHER).code == ExitCode.IN_THE_WAY
    assert add(installation, "schools", USCC).code == ExitCode.IN_THE_WAY
    assert add(installation, "schools", OTHER[:-1] + "I").code == ExitCode.USAGE
    for slug in ("Schools", "-s", "s", "schools!", "学校", "s" * 65):
        assert add(installation, slug, OTHER).code == ExitCode.USAGE
    assert add(installation, "schools", OTHER, "--parent", "nowhere").code == ExitCode.NOT_FOUND
    assert installation.kinds() == before
