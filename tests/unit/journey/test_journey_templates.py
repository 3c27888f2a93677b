"""Liquid within limits: a template can neither run for long nor grow without bounds (F36)."""

import pytest

from services.journey.run import RenderFailed
from services.journey.templates.liquid_rules import check, render
from services.journey.templates.rules import TemplateInvalid


@pytest.mark.parametrize(
    "source",
    [
        "{% assign a = 'xxxxxxxxxx' %}{% for i in (1..1000) %}{% assign a = a | append: a %}{% endfor %}",
        "{% for i in (1..1000) %}{% for j in (1..1000) %}x{% endfor %}{% endfor %}",
        "{{ s | replace: '', s | replace: '', s }}",
        "{% assign a = s | split: '' %}{% for i in (1..50) %}{% assign a = a | concat: a %}{% endfor %}",
        "{% for i in (1..2000) %}{{ s }}{% endfor %}",
        "{{ s | times: 'x' | nosuch }}",
    ],
)
def test_f36_greedy_templates_fail_at_their_limits(source: str) -> None:
    with pytest.raises(RenderFailed):
        render(source, {"s": "x" * 15_000})


@pytest.mark.parametrize("depth", [11, 300])
def test_deep_nesting_is_refused(depth: int) -> None:
    with pytest.raises(TemplateInvalid):
        check("{% if true %}" * depth + "x" + "{% endif %}" * depth)


def test_what_only_data_can_tell_passes_the_check() -> None:
    for source in ("{{ event.a | divided_by: event.b }}", "{{ event.when | date: '%Y' }}", "{{ event.list | first }}"):
        check(source)


def test_a_failure_names_the_line_and_no_data() -> None:
    with pytest.raises(RenderFailed) as failure:
        render("\n{{ customer.phone | divided_by: 0 }}", {"customer": {"phone": "13812345678"}})
    assert "line 2" in str(failure.value)
    assert "138" not in str(failure.value)


def test_missing_data_renders_as_nothing() -> None:
    assert render("[{{ customer.none.deeper }}]{% if coupon %}{% endif %}", {"customer": {}}) == "[]"


def test_money_is_shown_with_the_digits_of_its_currency() -> None:
    source = "{{ event.total | money: event.currency }}"
    check(source)
    assert render(source, {"event": {"total": 12345, "currency": "KWD"}}) == "KWD 12.345"
    assert render(source, {"event": {"total": 12345}}) == "¥123.45"
    assert render(source, {"event": {}}) == ""
    for total, currency in ((1.5, "CNY"), ("5", "CNY"), (5, "ABC")):
        with pytest.raises(RenderFailed):
            render(source, {"event": {"total": total, "currency": currency}})
