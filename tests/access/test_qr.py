"""QR codes as pictures."""

import cv2
import numpy as np
import pytest

from server.access.qr import drawn


def test_it_stands_alone_as_a_picture() -> None:
    """With its own namespace, and nothing that a page's policy would refuse."""
    picture = drawn("04:A2:2B:9C:51:80")
    assert picture.startswith("<svg xmlns=")
    assert picture.endswith("</svg>")
    assert "style" not in picture
    assert "04:A2" not in picture


@pytest.mark.parametrize("text", ["ABCDEFGH23456789", "04:A2:2B:9C:51:80", "Ausweis Nr. 7 / Süd", "x" * 128])
def test_a_reader_reads_it(text: str) -> None:
    """What is drawn is what was given."""
    import segno

    modules = np.array([*segno.make(text, error="m", micro=False).matrix_iter(scale=4, border=4)], np.uint8)
    assert f'width="{modules.shape[1]}"' in drawn(text)
    said, _, _ = cv2.QRCodeDetector().detectAndDecode((1 - modules) * 255)
    assert said == text
