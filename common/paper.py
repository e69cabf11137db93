"""Pages of A4 as PDF. Whoever imports this waits for Pillow and fontTools: only a document's door does."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from fpdf import FPDF

WIDE = 190  # mm
LINE = 5.5


class Paper(FPDF):
    """Headings, and tables whose numbers stand right: a table without a head, or of two columns, is facts."""

    def __init__(self, title: str) -> None:
        super().__init__(format="A4")
        self.set_title(title)
        self.set_margins(10, 12)
        self.set_auto_page_break(True, margin=15)
        self.add_page()

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font("helvetica", size=7)
        self.cell(WIDE, 4, str(self.page_no()), align="R")

    def heading(self, text: str) -> None:
        is_first = self.page_no() == 1 and self.get_y() < 15
        self.ln(0 if is_first else 4)
        self.set_font("helvetica", "B", 15 if is_first else 11)
        self.cell(WIDE, 8, latin(text), new_x="LMARGIN", new_y="NEXT")

    def rows(
        self, rows: Iterable[Sequence[str]], *, widths: tuple[int, ...], head: Sequence[str] = ()
    ) -> None:
        self.set_font("helvetica", size=8)
        told = list(rows) or [("none", *[""] * (len(widths) - 1))]
        align = ("LEFT", "LEFT") if not head else ("LEFT", *["RIGHT"] * (len(widths) - 1))
        if len(widths) == 4:
            align = ("LEFT", "LEFT", "LEFT", "RIGHT")
        with self.table(
            col_widths=widths,
            text_align=align,
            line_height=LINE,
            first_row_as_headings=bool(head),
            borders_layout="HORIZONTAL_LINES",
            width=WIDE,
        ) as drawn:
            for row in [head, *told] if head else told:
                drawn.row([latin(cell) for cell in row])


def latin(text: str) -> str:
    """The text in the letters that PDF's own fonts have: an accent goes, or the letter is a `?`."""
    return "".join(_latin(letter) for letter in text)


def _latin(letter: str) -> str:
    bare = unicodedata.normalize("NFKD", letter)[:1]
    for each in (letter, bare):
        if each.isascii() or "\xa0" <= each <= "\xff":
            return each
    return "?"
