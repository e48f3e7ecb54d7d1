"""QR codes as pictures that a page can take in as they are."""

import io

import segno


def drawn(text: str, scale: int = 4) -> str:
    """An SVG of black on white, with the margin that readers need. It takes milliseconds: call it in a thread."""
    picture = io.BytesIO()
    code = segno.make(text, error="m", micro=False)
    code.save(picture, kind="svg", xmldecl=False, scale=scale, border=4, light="#fff", dark="#000")
    return picture.getvalue().decode().strip()
