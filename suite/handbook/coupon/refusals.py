"""What clients are told when something is not done, read from the code itself: reasons, and every problem with its sentence."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.coupon.reasons import REASONS
from services.coupon.refusals import REFUSALS
from shared.web import problems

SERVICE = Path(__file__).parents[3] / "services" / "coupon"
_STATUSES = {
    kind.__name__: kind.status
    for kind in vars(problems).values()
    if isinstance(kind, type) and issubclass(kind, problems.Problem)
}
_FIELD_ERRORS = ("Fault", "FieldError", "invalid")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, order=True)
class Told:
    """One problem as a client sees it. What depends on the call stands in braces."""

    status: int
    code: str
    detail: str


def reasons_table() -> str:
    """Every reason with its sentences. A status stands where a refused claim is answered with it."""
    statuses = {key: kind.status for kind, key in REFUSALS.values()}
    lines = ["| code | claim | English | 中文 |", "|---|---|---|---|"]
    for key, (chinese, english) in REASONS.items():
        lines.append(f"| `{key.partition(':')[0]}` | {statuses.get(key, '')} | {english} | {chinese} |")
    return "\n".join(lines) + "\n"


def problems_table() -> str:
    """Every problem that the code names, by status and code."""
    lines = ["| status | code | detail |", "|---|---|---|"]
    lines += [f"| {one.status} | `{one.code}` | {one.detail.replace('|', '&#124;')} |" for one in told()]
    return "\n".join(lines) + "\n"


def fields_table() -> str:
    """Every code of a single wrong field (in `errors` of a 422) that a rule of the service finds."""
    lines = ["| `errors[].code` | detail |", "|---|---|"]
    lines += [f"| `{code}` | {detail.replace('|', '&#124;')} |" for code, detail in sorted(set(_wrong_fields()))]
    return "\n".join(lines) + "\n"


def told() -> Sequence[Told]:
    """The problems that are made in the coupon service, one entry for each sentence."""
    found: set[Told] = set()
    for call, function in _calls():
        if call.func.id in _STATUSES and len(call.args) >= 2:
            code, detail = (_meant(one, function) for one in call.args[:2])
            if isinstance(code, ast.Constant | ast.JoinedStr):
                status = next((_number(one.value) for one in call.keywords if one.arg == "status"), None)
                found.add(Told(status or _STATUSES[call.func.id], _sentence(code), _sentence(detail)))
    return sorted(found)


def _wrong_fields() -> Iterator[tuple[str, str]]:
    for call, function in _calls():
        if call.func.id in _FIELD_ERRORS:
            named = {one.arg: one.value for one in call.keywords}
            given = call.args[1:3] if len(call.args) >= 3 else [named.get("code"), named.get("detail")]
            code, detail = (None if one is None else _meant(one, function) for one in given)
            if isinstance(code, ast.Constant) and detail is not None:
                yield str(code.value), _sentence(detail)


def _calls() -> Iterator[tuple[Any, _Function]]:
    """Every call of a problem or of a field's error in the service, with the function that it stands in."""
    for path in sorted(SERVICE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        meant = _imported(tree)
        for function in (node for node in ast.walk(tree) if isinstance(node, _Function)):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in meant:
                    yield node, function


def _imported(tree: ast.Module) -> set[str]:
    """The names that mean problems in this module: imported ones, for a room may have a class of the same name."""
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    known = {alias.name for node in imports for alias in node.names}
    own = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    return (known | own & {"Fault"}) & {*_STATUSES, *_FIELD_ERRORS}


def _meant(node: ast.expr, function: _Function) -> ast.expr:
    """What a name stands for: the last thing assigned to it before."""
    if not isinstance(node, ast.Name):
        return node
    before = [
        (one.lineno, one.value)
        for one in ast.walk(function)
        if isinstance(one, ast.Assign) and one.lineno < node.lineno
        if any(isinstance(target, ast.Name) and target.id == node.id for target in one.targets)
    ]
    return max(before, key=lambda pair: pair[0])[1] if before else node


def _number(node: ast.expr) -> int | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int) else None


def _sentence(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else _hole(part) for part in node.values)
    return _hole(node)


def _hole(node: ast.expr) -> str:
    inner = node.value if isinstance(node, ast.FormattedValue) else node
    if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id == "str" and inner.args:
        inner = inner.args[0]
    return f"{{{ast.unparse(inner).partition('(')[0].rpartition('.')[2].strip('_').lower()}}}"
