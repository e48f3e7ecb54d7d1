"""Whatever the API's description allows, and some of what it does not, is answered as described: to every role."""

from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi import checks

from server.app import ENDPOINTS
from server.routes.endpoint import PUBLIC, Endpoint
from server.routes.openapi import document
from tests.e2e.examples import example, with_rows
from tests.e2e.site import KIOSK, LIMITED, NOBODY, PROGRAM, URL, Caller, Site, named, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.usefixtures("portraits")]

EXAMPLES = {"Admin": 12, "Operator": 4, "Viewer": 3, LIMITED: 5, PROGRAM: 3, KIOSK: 2, NOBODY: 2}
EVERYWHERE = 9
# What takes seconds each time.
FEWER = {"GET /cameras/discover": 1, "POST /cameras/profiles": 4}
# What cannot succeed here, and where it is tested instead.
WITHOUT_SUCCESS = {
    "DELETE /people/import/{import_id}": "tests/routes/test_people_import.py",
    "POST /kiosks/{kiosk_id}/check-ins": "tests/routes/test_check_ins.py",  # the kiosk itself may, as Admin nobody
    "DELETE /attendance/terminals/{terminal_id}": "tests/routes/test_terminals.py",  # a line waits
    "DELETE /attendance/import/{entries_import_id}": "tests/routes/test_entries_import.py",
    "POST /reports/mail/test": "tests/routes/test_reports.py",  # there is no mail server
    "POST /reports/{report_id}/send": "tests/routes/test_reports.py",
    "POST /attendance/locks": "tests/routes/test_days.py",
    "DELETE /attendance/locks/{lock_id}": "tests/routes/test_days.py",
}
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with opened(tmp_path_factory.mktemp("fuzzing")) as found:
        yield found


@schemathesis.serializer("application/sdp", "application/trickle-ice-sdpfrag")
def _as_text(_context: Any, value: Any) -> bytes:
    return str(value).encode(errors="replace")


@cache
def described() -> dict[str, Any]:
    """The document without its catch-all: a status that is not named is a mistake."""
    whole = deepcopy(document(ENDPOINTS, "1"))
    for methods in whole["paths"].values():
        for one in methods.values():
            del one["responses"]["default"]
    return whole


@cache
def described_api() -> Any:
    return schemathesis.openapi.from_dict(described())


@cache
def cases_of(url: str, method: str) -> st.SearchStrategy[Case[Any]]:
    operation = described_api()[url][method]
    modes = [GenerationMode.POSITIVE]
    if any(operation.definition.raw.get(where) for where in ("requestBody", "parameters")):
        modes.append(GenerationMode.NEGATIVE)
    return st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes])


# The server runs beside the test, in the same process, and jitters its pauses while Hypothesis draws.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@pytest.mark.parametrize("who", EXAMPLES)
@pytest.mark.parametrize("one", ENDPOINTS, ids=named)
def test_every_role_is_answered_as_described(site: Site, who: str, one: Endpoint) -> None:
    """No crash, no status that is not described, and answers of the described shape."""
    caller = site.caller(who, one)
    changed = False

    def ask(case: Case[Any], known: int, *, first: bool = False) -> httpx.Response:
        nonlocal caller, changed
        answer = check(site, caller, one, case, first=first)
        changed |= answer.is_success and one.method not in ("GET", "OPTIONS")
        if who != NOBODY and is_spent(one, answer, known):
            site.dismiss(caller)
            caller = site.caller(who, one)
        return answer

    # There is one first administrator; everybody else is too late.
    first = (who, named(one)) == ("Admin", "POST /setup")
    answer = ask(example(site, caller, one, described_api()), EVERYWHERE, first=first)
    assert who != "Admin" or named(one) in WITHOUT_SUCCESS or answer.is_success, f"The example: {answer.text}"

    @settings(
        max_examples=how_many(who, one), deadline=None, database=None, derandomize=True,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=cases_of(one.url, one.method), known=st.sampled_from((0, 1, EVERYWHERE, EVERYWHERE)))
    def run(case: Case[Any], known: int) -> None:
        put_in(case, caller, one, known)
        ask(case, known)

    run()
    if changed:
        site.dismiss(caller)  # the next one finds everything as it should be


def how_many(who: str, one: Endpoint) -> int:
    """Who is signed out, or has removed something, is replaced by somebody new each time, which takes its time."""
    usual = EXAMPLES[who] // 2 if one.own_account or one.method == "DELETE" else EXAMPLES[who]
    return min(usual, FEWER.get(named(one), usual))


def put_in(case: Case[Any], caller: Caller, one: Endpoint, known: int) -> None:
    """Rows that there are, in so many places of the path; where in all of them, in the rest as well."""
    if case.path_parameters:
        there = {name: caller.ids[name] for name in one.path_names[:known]}
        case.path_parameters = {**case.path_parameters, **there}
    if known >= len(one.path_names):
        if isinstance(case.body, dict):
            case.body = with_rows(case.body, caller, one)
        if isinstance(case.query, dict):
            case.query = with_rows(case.query, caller, one)
    if one.path == "/cameras" and isinstance(case.body, dict):
        case.body["enabled"] = False  # otherwise each one that is made looks for its stream for ever


def is_spent(one: Endpoint, answer: httpx.Response, known: int) -> bool:
    """Whether the caller may have been signed out, or the rows may be gone or changed."""
    if one.allow == PUBLIC:
        return False
    removed = answer.is_success and (one.own_account or one.method == "DELETE")
    gone = answer.status_code == 404 and one.method == "DELETE" and known > 0
    return removed or gone or answer.status_code == 401


def check(site: Site, caller: Caller, one: Endpoint, case: Case[Any], *, first: bool = False) -> httpx.Response:
    kwargs = case.as_transport_kwargs(base_url=URL)
    allowed = {"method", "url", "headers", "cookies", "params", "data", "json", "files"}
    request = requests.Request(**{name: value for name, value in kwargs.items() if name in allowed}).prepare()
    answer = site.ask(caller, one, request, first=first)
    assert answer.status_code == 503 or answer.status_code < 500, answer.text
    assert answer.status_code != 503 or answer.json()["error"]["code"] != "database_unavailable"
    case.validate_response(answer, checks=CHECKS)
    return answer


def test_every_operation_has_succeeded(site: Site) -> None:
    """At least once, as Admin, of those that were asked above: what meets nothing but refusals proves little."""
    assert set(WITHOUT_SUCCESS) <= {named(one) for one in ENDPOINTS}
    lacking = {
        name: dict(statuses)
        for name, statuses in site.seen.items()
        if name not in WITHOUT_SUCCESS and not any(200 <= status < 300 for status in statuses)
    }
    assert lacking == {}
