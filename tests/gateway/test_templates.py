"""Every template in every state, language and mode: it renders, and what it renders is sound HTML under our policy."""

from pathlib import Path

import pytest

from gateway.pages.static_files import StaticFile, static_files
from tests.gateway.html_outline import Element, Outline, outline_of
from tests.gateway.page_requests import rendered
from tests.gateway.template_samples import SAMPLES, Sample

TEMPLATES = Path("gateway/templates")
VIEWS = ("light.standard.1.zh-CN", "light.standard.1.en", "light.elder.1.zh-CN", "light.elder.3.en")
CITIZEN_PAGE_BYTES = 60 * 1024
OTHER_PAGE_BYTES = 120 * 1024

each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
each_view = pytest.mark.parametrize("view", VIEWS)


def test_every_page_has_a_sample() -> None:
    """A page without a sample would be checked by nothing below."""
    pages = {path.name for path in TEMPLATES.glob("*.html")} - {"layout.html"}
    assert pages == {sample.template for sample in SAMPLES}


def test_sample_names_are_unique() -> None:
    """Two samples of one name would hide each other in reports."""
    names = [sample.name for sample in SAMPLES]
    assert len(names) == len(set(names))


@each_view
@each_sample
def test_page_is_sound(sample: Sample, view: str) -> None:
    """Nesting, headings, ids, references, labels and forms hold in each language and mode; undefined names would raise."""
    outline = outline_of(rendered(sample, view))
    assert outline.faults == []
    assert _content_policy_violations(outline) == []
    assert _reference_faults(outline) == []
    assert _unlabelled_controls(outline) == []
    assert len(outline.all("h1")) == 1
    assert len(outline.all("main")) == 1
    assert outline.all("html")[0].attributes["lang"] == view.rpartition(".")[2]
    for form in outline.all("form"):
        if form.attributes["method"] == "post" and form.attributes["action"].startswith("/"):
            inside = [element for element in outline.all("input") if form in element.ancestors]
            assert any(element.attributes.get("name") == "csrf_token" for element in inside)


@each_sample
def test_page_is_light(sample: Sample) -> None:
    """A citizen's page with its style sheet, drawings and script stays within 60 KiB on the wire, in at most 8 requests."""
    page = rendered(sample, "light.standard.1.zh-CN")
    used = [file for name, file in static_files().items() if file.url in page or name.startswith("guilloche.")]
    # The page itself is sent unpacked: it carries the form token, and packing it would let its length tell about it.
    weight = len(page.encode()) + sum(len(file.packed) for file in used)
    limit = OTHER_PAGE_BYTES if sample.template.startswith("desk") else CITIZEN_PAGE_BYTES
    assert weight <= limit
    assert 1 + len(used) <= 8


@each_sample
def test_errors_are_announced(sample: Sample) -> None:
    """A form that came back says so in the title, in a summary that takes the focus, and beside each field."""
    errors = sample.data.get("errors", [])
    outline = outline_of(rendered(sample, "light.standard.1.zh-CN"))
    assert outline.all("title")[0].text.startswith("错误：") is bool(errors)
    summaries = [element for element in outline.all("div") if element.attributes.get("class") == "errors"]
    assert len(summaries) == (1 if errors else 0)
    for summary in summaries:
        assert "autofocus" in summary.attributes
        assert summary.attributes["role"] == "alert"


def test_data_is_never_markup() -> None:
    """Names of apps, people and offices, and search words, come out as text whatever they hold."""
    hostile = '"><img src=x onerror=alert(1)>{name}'
    login = next(sample for sample in SAMPLES if sample.name == "login-app")
    app = {"name": hostile, "department": hostile, "domain": hostile, "reviewed": True}
    page = rendered(Sample("login.html", "hostile", {**login.data, "app": app, "values": {"identifier": hostile}}), "")
    search = next(sample for sample in SAMPLES if sample.name == "licenses-no-hit")
    page += rendered(Sample("licenses.html", "hostile", {**search.data, "q": hostile}), "")
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
    assert "{name}" in page


def _content_policy_violations(outline: Outline) -> list[str]:
    """What the Content-Security-Policy would block: inline style and script, and anything from elsewhere; and what is loaded unchecked (W18)."""
    found = [f"<{element.tag}>" for element in outline.all("style", "iframe", "object", "base", "embed")]
    for element in outline.elements:
        found += [f"{element.tag} {name}" for name in element.attributes if name == "style" or name.startswith("on")]
        if element.tag in ("script", "link", "img"):
            source = element.attributes.get("src") or element.attributes.get("href", "")
            if not source.startswith("/static/"):
                found.append(f"{element.tag} loads {source!r}")
        if element.tag == "script" or element.attributes.get("rel") == "stylesheet":
            source = element.attributes.get("src") or element.attributes.get("href", "")
            if element.attributes.get("integrity") not in {file.integrity for file in _files_at(source)}:
                found.append(f"{element.tag} does not say what {source!r} holds")
        if element.tag == "script" and element.text.strip():
            found.append("inline script")
    return found


def _files_at(url: str) -> list[StaticFile]:
    return [file for file in static_files().values() if file.url == url]


def _reference_faults(outline: Outline) -> list[str]:
    """Ids that repeat, and references to ids that the page does not have."""
    ids = [element.attributes["id"] for element in outline.elements if "id" in element.attributes]
    faults = [f"id {name!r} repeats" for name in set(ids) if ids.count(name) > 1]
    for element in outline.elements:
        for name in ("for", "aria-labelledby", "aria-describedby", "list"):
            faults += [f"{name}={target}" for target in element.attributes.get(name, "").split() if target not in ids]
        target = element.attributes.get("href", "")
        if element.tag in ("a", "use") and target.startswith("#") and len(target) > 1 and target[1:] not in ids:
            faults.append(f"href={target}")
    return faults


def _unlabelled_controls(outline: Outline) -> list[str]:
    """Form controls without a label, and buttons and links without words."""
    labelled = {element.attributes["for"] for element in outline.all("label") if "for" in element.attributes}
    faults = []
    for control in outline.all("input", "select", "textarea"):
        hidden = control.attributes.get("type") == "hidden"
        inside_label = any(ancestor.tag == "label" for ancestor in control.ancestors)
        if not hidden and not inside_label and control.attributes.get("id") not in labelled:
            faults.append(f"{control.tag} {control.attributes.get('name')}")
    faults += [
        f"{element.tag} without words" for element in outline.all("button", "a", "summary") if not _words(element)
    ]
    faults += ["img without alt" for element in outline.all("img") if "alt" not in element.attributes]
    return faults


def _words(element: Element) -> str:
    return element.text.strip() or element.attributes.get("aria-label", "")
