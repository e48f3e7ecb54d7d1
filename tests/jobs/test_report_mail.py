"""The mail of a report: its headers, its two bodies and the file."""

from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from server.jobs.report_days import MOST_BYTES, Exceptional, Figures, Made
from server.jobs.report_mail import Heading, one_line, report_mail, trial_mail
from server.outbound.mail import MailServer

SERVER = MailServer("mail.example.com", 587, "starttls", "rollcall@example.com", "Zeit – Köln")
AT = datetime(2026, 1, 5, 6, 30, tzinfo=UTC)
FIGURES = Figures(
    present=3, late=1, absent=1, exceptions=22, first=[Exceptional("Ada <b>Lovelace</b>", date(2026, 1, 4), "absent")]
)


def mail(**other: Any) -> EmailMessage:
    given: dict[str, Any] = {
        "run_id": "01-run", "title": "Gestern", "place": "Werk Süd", "first": date(2026, 1, 4),
        "last": date(2026, 1, 4), "zone": "Europe/Berlin", "format": "xlsx",
    }  # fmt: skip
    made = report_mail(SERVER, Heading(**(given | other)), Made(b"\0PK", 7, FIGURES), AT)
    return message_from_bytes(made, policy=default)


def test_headers() -> None:
    """From the server to nobody by name; no reply by a machine; the id is that of the run."""
    message = mail()
    assert message["From"] == "Zeit – Köln <rollcall@example.com>"
    assert message["To"] == "undisclosed-recipients:;"
    assert message["Subject"] == "Gestern, 2026-01-04"
    assert message["Message-ID"] == "<01-run@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == AT


def test_text() -> None:
    """The period with its zone, the figures, who was not as expected, and how many more there are."""
    body = mail().get_body(("plain",))
    assert body is not None
    text = body.get_content()
    for line in (
        "Period: 2026-01-04 (Europe/Berlin)", "Present: 3", "Absent: 1", "Of: Werk Süd", "21 more are in the file.",
        "2026-01-04  Ada <b>Lovelace</b>: absent",
    ):  # fmt: skip
        assert line in text


def test_html() -> None:
    """The same; nobody's name is a tag."""
    body = mail().get_body(("html",))
    assert body is not None
    page = body.get_content()
    assert "Ada &lt;b&gt;Lovelace&lt;/b&gt;" in page
    assert "<b>" not in page


def test_the_largest_file_makes_a_mail_that_is_taken() -> None:
    """Less than 10 MB, which mail servers take unless they are told otherwise."""
    about = Heading("01-run", "Days", "Plant", date(2026, 1, 4), date(2026, 1, 4), "UTC", "xlsx")
    assert len(report_mail(SERVER, about, Made(b"\xff" * MOST_BYTES, 7, FIGURES), AT)) < 10_000_000


def test_the_file() -> None:
    """With its type, and a name of its dates."""
    [file] = mail(last=date(2026, 1, 10)).iter_attachments()
    assert file.get_filename() == "attendance-2026-01-04-2026-01-10.xlsx"
    assert file.get_content_type() == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert file.get_payload(decode=True) == b"\0PK"
    [table] = mail(format="csv").iter_attachments()
    assert table.get_content_type() == "text/csv"


def test_a_name_is_no_header() -> None:
    """Whatever is in it."""
    message = mail(title="Hello\r\nBcc: eve@example.com\r\n\r\nText")
    assert message["Subject"] == "Hello Bcc: eve@example.com Text, 2026-01-04"
    assert message["Bcc"] is None
    assert one_line("a\u2028b\0c\td") == "a b c d"
    long = mail(title="x" * 500)
    assert len(long["Subject"]) == 200


def test_a_test_mail() -> None:
    """Says where it is from and nothing else."""
    message = message_from_bytes(trial_mail(SERVER, "Werk\nSüd", AT), policy=default)
    assert message["Subject"] == "Test mail of Werk Süd"
    assert "arrives here" in message.get_content()
