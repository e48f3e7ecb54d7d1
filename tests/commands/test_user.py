"""`rollcall user create`: the first way in."""

from tests.commands.conftest import Run


def test_a_password_is_made_and_printed_once(rollcall: Run) -> None:
    """Without a terminal and without --password-stdin."""
    result = rollcall("user", "create", "Ada@Example.com", "--role", "Admin")
    assert result.returncode == 0, result.stderr
    assert "ada@example.com" in result.stdout
    password = result.stdout.split("Password: ")[1].strip()
    assert len(password) >= 16


def test_a_password_from_standard_input_is_not_printed(rollcall: Run) -> None:
    """And the same address is taken the second time."""
    result = rollcall(
        "user", "create", "ada@example.com", "--role", "Admin", "--password-stdin", stdin="correct horse\n"
    )
    assert result.returncode == 0, result.stderr
    assert "correct horse" not in result.stdout
    again = rollcall(
        "user", "create", "ada@example.com", "--role", "Admin", "--password-stdin", stdin="correct horse\n"
    )
    assert again.returncode == 1
    assert len(again.stderr.strip().splitlines()) == 1


def test_what_cannot_be_is_refused(rollcall: Run) -> None:
    """No such role, no address, a short password: each one line."""
    for arguments, stdin in (
        (("ada@example.com", "--role", "King"), "correct horse\n"),
        (("ada", "--role", "Admin"), "correct horse\n"),
        (("ada@example.com", "--role", "Admin"), "short\n"),
    ):
        result = rollcall("user", "create", *arguments, "--password-stdin", stdin=stdin)
        assert result.returncode == 1, arguments
        assert result.stderr.startswith("rollcall: ")
        assert "Traceback" not in result.stderr
