"""The mail of a report: what it says in a few lines, as text and as HTML, and the file."""

from dataclasses import dataclass
from datetime import date, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from jinja2 import Environment

from server.jobs.report_days import Made
from server.objects.objects import content_type_of
from server.outbound.mail import MailServer

LONGEST_SUBJECT = 200
_HTML = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title></head>
<body style="font-family:sans-serif;color:#1a1a1a">
<h1 style="font-size:1.2em">{{ title }}</h1>
<table>{% for name, value in lines %}
<tr><td style="padding-right:1.5em">{{ name }}</td><td>{{ value }}</td></tr>{% endfor %}
</table>
{% if exceptions %}<h2 style="font-size:1em">Exceptions</h2>
<table>{% for one in exceptions %}
<tr><td style="padding-right:1.5em">{{ one.date }}</td><td style="padding-right:1.5em">{{ one.name }}</td>\
<td>{{ one.what }}</td></tr>{% endfor %}
</table>
{% endif %}{% if more %}<p>{{ more }}</p>
{% endif %}<p>{{ end }}</p>
</body></html>
"""
_PAGE = Environment(autoescape=True, trim_blocks=False).from_string(_HTML)


@dataclass(frozen=True, slots=True)
class Heading:
    """What a mail is about: the names of the report and of where it is from, its dates, and the id of its run."""

    run_id: str
    title: str
    place: str
    first: date
    last: date
    zone: str
    format: str

    @property
    def period(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"


def report_mail(server: MailServer, about: Heading, made: Made, at: datetime) -> bytes:
    """Everybody gets the same message, and nobody sees who else does. Its Message-ID is the same for every try, so that
    a mail system which has it already may drop it."""
    title, place = one_line(about.title), one_line(about.place)
    figures = made.figures
    lines = [
        ("Of", place), ("Period", f"{about.period} ({about.zone})"), ("Present", figures.present),
        ("Late", figures.late), ("Left early", figures.early), ("Absent", figures.absent),
        ("Missing check-outs", figures.missing_outs), ("Rows in the file", made.rows),
    ]  # fmt: skip
    left = figures.exceptions - len(figures.first)
    more = f"{left} more are in the file." if left else ""
    end = f"Sent by {place} by a schedule. The file has the details."
    text = [title, "", *(f"{name}: {value}" for name, value in lines), ""]
    if figures.first:
        text += ["Exceptions", *(f"{one.date}  {one_line(one.name)}: {one.what}" for one in figures.first), more, ""]
    message = _envelope(server, f"{title}, {about.period}", at)
    message["Message-ID"] = f"<{about.run_id}@{server.sender.rpartition('@')[2]}>"
    message.set_content("\n".join([*text, end, ""]))
    page = _PAGE.render(title=title, lines=lines, exceptions=figures.first, more=more, end=end)
    message.add_alternative(page, subtype="html")
    name = f"attendance-{about.first}-{about.last}.{about.format}"
    main, _, sub = content_type_of(name).partition(";")[0].partition("/")
    message.add_attachment(made.content, maintype=main, subtype=sub, filename=name)
    return message.as_bytes()


def trial_mail(server: MailServer, place: str, at: datetime) -> bytes:
    """Tells of nothing."""
    name = one_line(place)
    message = _envelope(server, f"Test mail of {name}", at)
    message.set_content(f"This is a test. Mail of {name} arrives here.\n")
    return message.as_bytes()


def one_line(text: str) -> str:
    """As it may stand in a header: a name cannot begin another one."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _envelope(server: MailServer, subject: str, at: datetime) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = subject[:LONGEST_SUBJECT]
    message["From"] = Address(server.sender_name, addr_spec=server.sender)
    message["To"] = "undisclosed-recipients:;"
    message["Date"] = format_datetime(at)
    message["Auto-Submitted"] = "auto-generated"
    return message
